"""Reading trends: as many rows as there were hours, and models that answered in them, however long the log is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from tropism.server.clock import EPOCH
from tropism.server.database.session import Reading
from tropism.server.domains.trends.counting import FIRST_TOKEN, LATENCY
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest, NotFound
from tropism.server.references import refers
from tropism.server.tables.feedback import feedback_key
from tropism.server.tables.models import model
from tropism.server.tables.trends import trend
from tropism.stats.metric import mean_interval
from tropism.stats.plan import Kind
from tropism.stats.sums import Sums
from tropism.wire import trends as wire
from tropism.wire.ab_tests import Interval
from tropism.wire.feedback import FeedbackKind, ScoringType

HOUR = timedelta(hours=1)
HOURS: dict[wire.Bucket, int] = {"hour": 1, "day": 24}
SHOWN: dict[wire.Bucket, int] = {"hour": 24, "day": 14}
"""How many, where the caller does not say since when."""
MOST = 750


@dataclass(frozen=True, slots=True)
class Metric:
    """What is shown: how its rows name it, and what is known of its values."""

    stored: str
    key: str
    kind: FeedbackKind
    scoring_type: ScoringType


@dataclass(frozen=True, slots=True)
class Span:
    """From the bucket `first` to the bucket `last`, each so many hours long."""

    hours: int
    first: int
    last: int

    def begin(self, bucket: int) -> datetime:
        return EPOCH + bucket * self.hours * HOUR


def query(session: Reading, request: wire.TrendQuery) -> wire.Trend:
    """The trend of each model of a use case."""
    used = use_cases.find(session, request.use_case)
    metric, span = _metric(session, str(request.metric)), _span(request, session.now)
    found: dict[UUID, list[tuple[int, Sums]]] = defaultdict(list)
    for row in _rows(session, used.id, metric.stored, span):
        found[row.model_id].append((row.bucket, _sums(row)))
    keys = _keys(session, list(found))
    models = [_model(keys.get(id), values, metric.kind, span) for id, values in found.items()]
    return wire.Trend(
        metric=metric.key,
        kind=metric.kind,
        scoring_type=metric.scoring_type,
        by=request.by,
        since=span.begin(span.first),
        until=span.begin(span.last + 1),
        models=sorted(models, key=lambda each: (-each.count, each.model or "")),
    )


def _metric(session: Reading, name: str) -> Metric:
    if name in (LATENCY, FIRST_TOKEN):
        return Metric(name, name, "scalar", "lower_is_better")
    row = session.row(select(feedback_key).where(refers(feedback_key, name)))
    if row is None:
        raise NotFound(f"no feedback key {name!r}; `metric` is one, or {LATENCY!r}, or {FIRST_TOKEN!r}", param="metric")
    return Metric(str(row.id), row.key, row.kind, row.scoring_type)


def _span(request: wire.TrendQuery, now: datetime) -> Span:
    hours = HOURS[request.by]
    last_bucket = ((request.until or now) - EPOCH) // (hours * HOUR)
    first_bucket = last_bucket - SHOWN[request.by] + 1
    if request.since is not None:
        first_bucket = (request.since - EPOCH) // (hours * HOUR)
    if not 0 <= last_bucket - first_bucket < MOST:
        wrong = "`since` is after `until`" if last_bucket < first_bucket else f"that is more than {MOST} {request.by}s"
        raise InvalidRequest(f"{wrong}; give `since` and `until` closer together, in this order", param="since")
    span = Span(hours, first_bucket, last_bucket)
    try:
        span.begin(first_bucket), span.begin(last_bucket + 1)
    except OverflowError:
        raise InvalidRequest("no calendar has such times; give others", param="until") from None
    return span


def _rows(session: Reading, use_case_id: UUID, metric: str, span: Span) -> list[Row[Any]]:
    bucket = (trend.c.hour // span.hours).label("bucket")
    sums = [func.sum(trend.c[name]).label(name) for name in ("number", "total", "squares", "cubes")]
    within = trend.c.hour.between(span.first * span.hours, (span.last + 1) * span.hours - 1)
    mine = (trend.c.use_case_id == use_case_id, trend.c.metric == metric, within)
    statement = select(trend.c.model_id, bucket, *sums).where(*mine).group_by(trend.c.model_id, bucket)
    return list(session.rows(statement.order_by(bucket, trend.c.model_id)))


def _sums(row: Row[Any]) -> Sums:
    """Each value is a unit of its own."""
    n = int(row.number)
    return Sums(n, n, row.total, n, row.total, row.squares, n, row.total, row.squares, row.cubes)


def _model(key: str | None, values: Sequence[tuple[int, Sums]], kind: Kind, span: Span) -> wire.ModelTrend:
    whole = sum((each for _, each in values), Sums())
    points = [wire.TrendPoint(at=span.begin(bucket), **_figures(each, kind)) for bucket, each in values]
    return wire.ModelTrend(model=key, points=points, **_figures(whole, kind))


def _figures(sums: Sums, kind: Kind) -> dict[str, Any]:
    seen = mean_interval(sums, kind)
    interval = None if seen is None else Interval(start=seen.start, middle=seen.middle, end=seen.end)
    return {"count": sums.n, "mean": sums.s / sums.n, "interval": interval}


def _keys(session: Reading, ids: Sequence[UUID]) -> dict[UUID, str]:
    return {row.id: row.key for row in session.rows(select(model.c.id, model.c.key).where(model.c.id.in_(ids)))}
