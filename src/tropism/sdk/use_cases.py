"""Use cases: one task that an application asks language models to do."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import use_cases as wire
from tropism.wire.page import Nothing


class _UseCases(Resource):
    @operation
    def create(
        self, key: str, name: str | None = None, description: str | None = None, team: Reference | None = None
    ) -> Flow[wire.UseCase]:
        """Create a use case. The name defaults to the key, the team to your own."""
        takes = wire.UseCaseCreate(key=key, name=name, description=description, team=unchecked(team))
        return (yield from send(wire.CREATE, takes))

    @operation
    def list(self) -> Flow[builtins.list[wire.UseCase]]:
        """List the use cases that you may see."""
        answer = yield from send(wire.LIST, Nothing())
        return answer.use_cases

    @operation
    def get(self, use_case: Reference | None = None) -> Flow[wire.UseCase]:
        """Get a use case with its feedback keys and models; without an argument, the default one."""
        return (yield from send(wire.GET, wire.UseCaseReference(use_case=self._use_case(use_case))))

    @operation
    def update(
        self,
        use_case: Reference | None = None,
        name: str | None = None,
        description: str | None = None,
        retention_days: int | None = None,
        redact: Sequence[wire.Redactable] | None = None,
        *,
        cache_seconds: int | None = None,
        cache_answers: int | None = None,
    ) -> Flow[wire.UseCase]:
        """Change a use case; what is left out stays as it is.

        Interactions older than `retention_days` are deleted within minutes; 0 keeps them for good. `redact` names what
        is blotted out of messages and completions before they are stored from now on; `[]` stores them as they are.
        With `cache_seconds`, an answer is given again to the same question for so long, and is made anew with 0; at
        most `cache_answers` are kept.
        """
        takes = wire.UseCaseUpdate(
            use_case=self._use_case(use_case),
            name=name,
            description=description,
            retention_days=retention_days,
            redact=unchecked(None if redact is None else [*redact]),
            cache_seconds=cache_seconds,
            cache_answers=cache_answers,
        )
        return (yield from send(wire.UPDATE, takes))

    @operation
    def share(
        self, team: Reference, role: Reference = "viewer", *, use_case: Reference | None = None
    ) -> Flow[wire.UseCase]:
        """Share a use case with another team. Its members get what both this role and their own allow."""
        takes = wire.UseCaseShare(use_case=self._use_case(use_case), team=unchecked(team), role=unchecked(role))
        return (yield from send(wire.SHARE, takes))

    @operation
    def unshare(self, team: Reference, *, use_case: Reference | None = None) -> Flow[wire.UseCase]:
        """Take a use case back from a team."""
        takes = wire.UseCaseShareReference(use_case=self._use_case(use_case), team=unchecked(team))
        return (yield from send(wire.UNSHARE, takes))


class UseCases(_UseCases, SyncResource):
    """The tasks that applications ask language models to do."""


class AsyncUseCases(_UseCases, AsyncResource):
    """The tasks that applications ask language models to do."""
