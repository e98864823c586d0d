"""Reward servers: programs of yours that say how good answers are."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import reward_servers as wire
from tropism.wire.page import Nothing


class _RewardServers(Resource):
    @operation
    def add(
        self,
        url: str,
        key: str,
        name: str | None = None,
        description: str | None = None,
        *,
        team: Reference | None = None,
    ) -> Flow[wire.RewardServer]:
        """Register the reward server at a URL. The name defaults to the key, the team to your own.

        The server need not run yet; `test` tells whether it does.
        """
        takes = wire.RewardServerCreate(url=url, key=key, name=name, description=description, team=unchecked(team))
        return (yield from send(wire.ADD, takes))

    @operation
    def list(self) -> Flow[builtins.list[wire.RewardServer]]:
        """List the reward servers of your teams, oldest first."""
        answer = yield from send(wire.LIST, Nothing())
        return answer.reward_servers

    @operation
    def remove(self, key: Reference) -> Flow[None]:
        """Forget a reward server, by its key or id. The server itself is left alone."""
        yield from send(wire.REMOVE, wire.RewardServerReference(reward_server=unchecked(key)))

    @operation
    def test(self, url: str) -> Flow[wire.RewardServerReport]:
        """Look what is at a URL: ONLINE with name, version and metadata schema, or OFFLINE with the reason.

        The engine looks, not this program: the URL must lead there from the engine's machine.
        """
        return (yield from send(wire.TEST, wire.RewardServerTest(url=url), reads_only=True))


class RewardServers(_RewardServers, SyncResource):
    """Tell the engine where your reward servers are."""


class AsyncRewardServers(_RewardServers, AsyncResource):
    """Tell the engine where your reward servers are."""
