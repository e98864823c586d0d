"""`tropism trends`: how latency and feedback of each model went."""

from __future__ import annotations

from datetime import UTC, datetime

from cyclopts import App
from rich.console import Group, RenderableType
from rich.text import Text

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.wire import trends as wire
from tropism.wire.ab_tests import Interval

app = App(name="trends", help="How latency and feedback of each model went.")
SHAPES: dict[wire.Bucket, str] = {"day": "%Y-%m-%d", "hour": "%Y-%m-%d %H:00"}


@app.default
def query(
    metric: str = "latency_ms",
    *,
    use_case: UseCase,
    by: wire.Bucket = "day",
    since: datetime | None = None,
    until: datetime | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Show how a metric of each model went, by day or hour of UTC, with intervals of 95 %.

    Parameters
    ----------
    metric
        A feedback key, latency_ms or first_token_ms.
    by
        day or hour.
    since
        From the day or hour of this moment on, as 2026-11-28 or 2026-11-28T14:00, in UTC.
    until
        Up to the day or hour of this moment.
    """
    with engine.client() as client:
        found = client.trends.query(metric, by=by, since=_utc(since), until=_utc(until), use_case=use_case)
    show.answer(engine, found, lambda: picture(found))


def picture(found: wire.Trend) -> RenderableType:
    rows = [
        [point.at.strftime(SHAPES[found.by]), each.model or "not named", point.count, point.mean, _said(point.interval)]
        for each in found.models
        for point in each.points
    ]
    whole = [
        ["all together", each.model or "not named", each.count, each.mean, _said(each.interval)]
        for each in found.models
    ]
    columns = ["=When", "~Model", ">Values", ">Mean", ">95 % interval"]
    table = show.table(columns, [*sorted(rows, key=lambda row: row[:2]), *whole], "No value of that time.")
    return Group(table, Text(), Text("Days and hours are those of UTC.", "dim")) if rows else table


def _said(interval: Interval | None) -> str:
    return "not enough yet" if interval is None else f"{interval.start:.3g} to {interval.end:.3g}"


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
