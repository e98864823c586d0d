"""Guardrails: what must not get worse than with the default model. A breach ends the test and keeps the default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import units
from tropism.server.domains.ab_tests.harms import BUILT_IN, COST, ERRORS, LATENCY
from tropism.server.domains.feedback.service import ValueChange
from tropism.server.domains.interactions.records import Record
from tropism.server.tables.ab_tests import ab_guardrail
from tropism.server.tables.feedback import feedback_key
from tropism.stats.sums import Sums
from tropism.wire.ab_tests import Guardrail


def count_completions(transaction: Writing, test_id: UUID, position: int, logged: Sequence[Record]) -> None:
    """Count how long answers took and what they cost, by unit, if the test watches that."""
    for metric, value_of in MEASURED.items():
        row = _watching(transaction, test_id, position, metric)
        for each in logged if row is not None else ():
            value = value_of(each)
            if row is not None and value is not None and each.ab_unit:
                _count(transaction, row, each.ab_unit, None, value, reference=value)


def _latency(record: Record) -> float | None:
    """An answer cut short says nothing about it."""
    return None if record.finish_reason == "cancelled" else record.latency_ms


MEASURED: dict[str, Callable[[Record], float | None]] = {LATENCY: _latency, COST: lambda record: record.cost_usd}


def count_value(transaction: Writing, test_id: UUID, position: int, change: ValueChange) -> bool:
    """Count a value of a key, if the test watches that; say whether it does."""
    row = _watching(transaction, test_id, position, str(change.key.id))
    if row is None:
        return False
    reference = 0.0 if change.key.kind == "bool" else change.after
    _count(transaction, row, change.of.ab_unit, change.before, change.after, reference=reference)
    return True


def rows_for(session: Reading, test_id: UUID, number_of_variants: int, wanted: list[Guardrail]) -> list[dict[str, Any]]:
    """The counters that a new test needs: one per guardrail and variant; failed requests are counted anyway."""
    metrics = [(number, _metric(session, each.metric)) for number, each in enumerate(wanted)]
    empty = {"ab_test_id": test_id, "reference": None, "sums": Sums().row()}
    return [
        {**empty, "number": number, "metric": metric, "position": position}
        for number, metric in metrics
        for position in range(number_of_variants)
        if metric != ERRORS
    ]


def _metric(session: Reading, name: str) -> str:
    if name in BUILT_IN:
        return name
    return str(session.value(select(feedback_key.c.id).where(feedback_key.c.key == name)))


def _watching(transaction: Writing, test_id: UUID, position: int, metric: str) -> Row[Any] | None:
    """The counter of a test for this metric and variant; each metric is watched once at most."""
    where = (ab_guardrail.c.ab_test_id == test_id, ab_guardrail.c.position == position, ab_guardrail.c.metric == metric)
    return transaction.row(select(ab_guardrail).where(*where))


def _count(
    transaction: Writing, row: Row[Any], unit_id: UUID, before: float | None, after: float, *, reference: float
) -> None:
    guardrail = (ab_guardrail.c.ab_test_id == row.ab_test_id, ab_guardrail.c.number == row.number)
    kept = transaction.row(
        select(ab_guardrail.c.reference, ab_guardrail.c.sums).where(*guardrail, ab_guardrail.c.position == row.position)
    )
    assert kept is not None
    if kept.reference is None:  # the first value of any variant is the reference of all
        transaction.run(update(ab_guardrail).where(*guardrail).values(reference=reference))
    else:
        reference = kept.reference
    where = units.place(row.ab_test_id, unit_id, row.position, units.of_guardrail(row.number))
    sums = units.moved(transaction, where, units.shift(before, after, reference), Sums(*kept.sums))
    transaction.run(
        update(ab_guardrail).where(*guardrail, ab_guardrail.c.position == row.position).values(sums=sums.row())
    )
