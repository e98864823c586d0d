"""Limits: how much of what a key, a user or a use case may use in a minute, a day or a month."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import Id, unchecked
from tropism.sdk.send import send
from tropism.wire import limits as wire


class _Limits(Resource):
    @operation
    def set(
        self,
        measure: wire.Measure,
        amount: float,
        period: wire.Period,
        *,
        api_key: Id | None = None,
        user: Reference | None = None,
        use_case: Reference | None = None,
    ) -> Flow[wire.Limit]:
        """Set how many `requests` or `tokens`, or for how many `usd`, may be used per `minute`, `day` or `month`.

        It holds for exactly one of `api_key`, `user` and `use_case`; the client's default use case is not taken. One
        that is there gets the new amount.
        """
        takes = wire.LimitSet(
            measure=measure,
            amount=amount,
            period=period,
            api_key=unchecked(api_key),
            user=unchecked(user),
            use_case=unchecked(use_case),
        )
        return (yield from send(wire.SET, takes))

    @operation
    def list(
        self, *, api_key: Id | None = None, user: Reference | None = None, use_case: Reference | None = None
    ) -> Flow[builtins.list[wire.Limit]]:
        """List limits with their use so far: of one key, user or use case, or all that you may see."""
        takes = wire.LimitFilter(api_key=unchecked(api_key), user=unchecked(user), use_case=unchecked(use_case))
        answer = yield from send(wire.LIST, takes)
        return answer.limits

    @operation
    def remove(self, limit: Id) -> Flow[None]:
        """Remove a limit, by its id."""
        yield from send(wire.REMOVE, wire.LimitReference(limit=unchecked(limit)))


class Limits(_Limits, SyncResource):
    """How much keys, users and use cases may use."""


class AsyncLimits(_Limits, AsyncResource):
    """How much keys, users and use cases may use."""
