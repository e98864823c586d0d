"""Trends: how the answers of each model went, hour by hour and day by day: their latency and their feedback."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tropism.wire.ab_tests import Interval
from tropism.wire.endpoint import Endpoint
from tropism.wire.feedback import FeedbackKind, ScoringType
from tropism.wire.values import Reference, Time

Bucket = Literal["hour", "day"]


class TrendQuery(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which trend. `metric` is a feedback key, or `latency_ms`, or `first_token_ms`.

    It begins with the hour or day of `since` and ends with that of `until`, which is now if it is not given; without
    `since` it has 14 days, or 24 hours. At most 750 hours or days at once.
    """

    use_case: Reference
    metric: Reference = "latency_ms"
    by: Bucket = "day"
    since: Time | None = None
    until: Time | None = None


class TrendPoint(Struct, kw_only=True, frozen=True):
    """What an hour or a day of UTC, which begins at `at`, says of a model: its mean, with an interval of 95 %.

    `interval` is None where there are too few values for one, or all of them are the same number.
    """

    at: Time
    count: int
    mean: float
    interval: Interval | None


class ModelTrend(Struct, kw_only=True, frozen=True):
    """One model: the whole of the time, and the hours or days with values, in their order.

    `model` is the one that answered, and None where none was named.
    """

    model: str | None
    count: int
    mean: float
    interval: Interval | None
    points: list[TrendPoint]


class Trend(Struct, kw_only=True, frozen=True):
    """The models of a use case on one metric, the one with most values first.

    A value belongs to the moment of its answer, whenever it was given. What people saw counts, `LIVE` and `OFFLINE`;
    answers that were cut short have no latency.
    """

    metric: str
    kind: FeedbackKind
    scoring_type: ScoringType
    by: Bucket
    since: Time
    until: Time
    models: list[ModelTrend]


QUERY = Endpoint(
    method="POST",
    path="/api/v1/trends/query",
    takes=TrendQuery,
    returns=Trend,
    permission="interaction:read",
    summary="Show how latency or feedback of each model went, by hour or day, with intervals",
    replayable=False,
    audited=False,
)
