"""Costs: what answers cost, in sums by use case, model, api key, user and day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.models import Prices
from tropism.wire.page import Nothing
from tropism.wire.values import Reference

CostGroup = Literal["use_case", "model", "api_key", "user", "day"]


class CostQuery(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which sums; without `group_by`, the total alone. Users go with use cases and days only.

    Days are in UTC; `since` and `until` are both included.
    """

    group_by: Annotated[list[CostGroup], Meta(max_length=4)] = []
    use_case: Reference | None = None
    since: date | None = None
    until: date | None = None


class Cost(Struct, kw_only=True, frozen=True):
    """The sums of one group. What was not grouped by is None, and so is a key or user that nobody named.

    `unpriced` counts the requests whose cost is not known: `cost_usd` is without them. An answer counts for the model
    that gave it, also where it was a fallback.
    """

    use_case: str | None
    model: str | None
    api_key: UUID | None
    api_key_name: str | None
    user: UUID | None
    day: date | None
    requests: int
    unpriced: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float


class Costs(Struct, kw_only=True, frozen=True):
    """Groups, the dearest first (with days: in their order), and the sums of them all."""

    costs: list[Cost]
    total: Cost


class ListedPrice(Struct, kw_only=True, frozen=True):
    """What a provider asks for a model, and where that was read."""

    provider: str
    model: str
    prices: Prices
    source: str


class PriceList(Struct, kw_only=True, frozen=True):
    """The prices that models get which are registered without any."""

    prices: list[ListedPrice]


QUERY = Endpoint(
    method="POST",
    path="/api/v1/costs/query",
    takes=CostQuery,
    returns=Costs,
    permission="cost:read",
    summary="Sum up what answers cost, by use case, model, api key, user and day",
    replayable=False,
    audited=False,
)
PRICES = Endpoint(
    method="GET",
    path="/api/v1/costs/prices",
    takes=Nothing,
    returns=PriceList,
    permission="model:read",
    summary="List the known prices of providers' models",
)
