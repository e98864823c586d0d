"""Costs: what answers cost."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import date

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import costs as wire
from tropism.wire.page import Nothing


class _Costs(Resource):
    @operation
    def query(
        self,
        group_by: Sequence[wire.CostGroup] = ("use_case",),
        use_case: Reference | None = None,
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> Flow[wire.Costs]:
        """Sum up what answers cost, by `use_case`, `model`, `api_key`, `user` and `day`, the dearest first.

        Days are in UTC, as dates or `"2026-11-28"`; both ends are included. Without `use_case`, it sums up all that
        your key sees: the default use case of the client does not narrow it.
        """
        takes = wire.CostQuery(
            group_by=builtins.list(group_by),
            use_case=unchecked(use_case),
            since=unchecked(since),
            until=unchecked(until),
        )
        return (yield from send(wire.QUERY, takes))

    @operation
    def prices(self) -> Flow[builtins.list[wire.ListedPrice]]:
        """List the prices that a provider's model gets which is registered without any, with their sources."""
        answer = yield from send(wire.PRICES, Nothing())
        return answer.prices


class Costs(_Costs, SyncResource):
    """What answers cost, in sums."""


class AsyncCosts(_Costs, AsyncResource):
    """What answers cost, in sums."""
