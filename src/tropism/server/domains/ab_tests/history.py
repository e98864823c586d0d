"""How the figures came to be: a look is kept whenever the feedback has grown by some percent."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.tables.ab_tests import ab_look, ab_test
from tropism.stats.report import Report
from tropism.wire import ab_tests as wire

GROWTH = 1.05
"""A look per 5 % more feedback: some 200 of them from the first feedback to the twenty-thousandth."""


class Figures(msgspec.Struct, frozen=True):
    """What is kept of a look."""

    feedbacks: int
    p_value: float | None
    intervals: list[wire.Interval | None]


def keep(transaction: Writing, test: Row[Any], seen: Report, *, last: bool = False) -> None:
    """Keep this look, if one is due or it is the last."""
    if not seen.has_enough_feedbacks or (seen.feedbacks < test.next_look and not last):
        return
    figures = msgspec.to_builtins(Figures(seen.feedbacks, seen.p_value, _intervals(seen)))
    transaction.run(insert(ab_look).values(ab_test_id=test.id, id=transaction.new_id(), figures=figures))
    due = max(seen.feedbacks + 1, int(seen.feedbacks * GROWTH))
    transaction.run(update(ab_test).where(ab_test.c.id == test.id).values(next_look=due))


def read(session: Reading, test: Row[Any]) -> wire.History:
    """Every look that was kept, oldest first."""
    rows = session.rows(select(ab_look).where(ab_look.c.ab_test_id == test.id).order_by(ab_look.c.id))
    return wire.History(looks=[_look(row) for row in rows])


def _look(row: Row[Any]) -> wire.Look:
    figures = msgspec.convert(row.figures, Figures)
    return wire.Look(
        at=time_of(row.id), feedbacks=figures.feedbacks, p_value=figures.p_value, intervals=figures.intervals
    )


def _intervals(seen: Report) -> list[wire.Interval | None]:
    shown = [variant.interval for variant in seen.variants]
    return [wire.Interval(start=i.start, middle=i.middle, end=i.end) if i else None for i in shown]
