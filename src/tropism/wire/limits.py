"""Limits: how much of what a key, a user or a use case may use in a minute, a day or a month."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import Reference, Time

Measure = Literal["requests", "tokens", "usd"]
"""What is counted: answers, the tokens that were read and written for them, or what they cost in US dollars."""
Period = Literal["minute", "day", "month"]
"""For how long: a minute, a day or a month of the clock, in UTC. Then counting begins anew."""
Amount = Annotated[float, Meta(ge=0, le=1e9, description="0 refuses everything.")]


class Limit(Struct, kw_only=True, frozen=True):
    """A limit with its use so far. Exactly one of `api_key`, `user` and `use_case` says what it holds for."""

    id: UUID
    api_key: UUID | None
    user: str | None
    use_case: str | None
    measure: Measure
    period: Period
    amount: float
    used: float
    """Used since the period began."""
    remaining: float
    resets_at: Time
    """When counting begins anew."""
    created_at: Time


class Limits(Struct, kw_only=True, frozen=True):
    """The limits of what the caller may see, oldest first."""

    limits: list[Limit]


class LimitSet(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A limit for exactly one of `api_key`, `user` and `use_case`. One that is there gets the new amount."""

    measure: Measure
    period: Period
    amount: Amount
    api_key: UUID | None = None
    user: Reference | None = None
    use_case: Reference | None = None


class LimitFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose limits; all that the caller may see if nothing is named."""

    api_key: UUID | None = None
    user: Reference | None = None
    use_case: Reference | None = None


class LimitReference(Struct, kw_only=True, frozen=True):
    """A limit by its id."""

    limit: UUID


SET = Endpoint(
    method="POST",
    path="/api/v1/limits",
    takes=LimitSet,
    returns=Limit,
    permission="limit:update",
    summary="Set how much a key, a user or a use case may use",
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/limits",
    takes=LimitFilter,
    returns=Limits,
    permission="limit:read",
    summary="List limits with their use so far",
)
REMOVE = Endpoint(
    method="DELETE",
    path="/api/v1/limits/{limit}",
    takes=LimitReference,
    returns=Nothing,
    permission="limit:update",
    summary="Remove a limit",
)
