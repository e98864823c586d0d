"""Guardrails: what must not get worse than with the default model. A breach ends the test and keeps the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import lifecycle, units
from tropism.server.domains.ab_tests.harms import BUILT_IN, ERRORS, LATENCY
from tropism.server.domains.feedback.service import ValueChange
from tropism.server.tables.ab_tests import ab_guardrail, ab_test
from tropism.server.tables.feedback import feedback_key
from tropism.stats.sums import Sums
from tropism.wire.ab_tests import Guardrail


def count_latencies(
    transaction: Writing, test_id: UUID, position: int, latencies: Sequence[tuple[UUID, float]]
) -> None:
    """Count how long answers took, by unit, if the test watches that."""
    for row in _watching(transaction, test_id, position, LATENCY) if latencies else ():
        for unit_id, latency in latencies:
            _count(transaction, row, unit_id, None, latency, reference=latency)
        check(transaction, test_id)


def count_value(transaction: Writing, change: ValueChange) -> None:
    """Count a value of a key that the completion's test watches."""
    test_id = change.of.ab_test_id
    position = None if test_id is None else units.position_of(transaction, test_id, change.of.model_id)
    if test_id is None or position is None:
        return
    for row in _watching(transaction, test_id, position, str(change.key.id)):
        reference = 0.0 if change.key.kind == "bool" else change.after
        _count(transaction, row, change.of.ab_unit, change.before, change.after, reference=reference)
        check(transaction, test_id)


def check(transaction: Writing, test_id: UUID) -> None:
    """Look at a test that has guardrails; a breach ends it."""
    watched = select(ab_test.c.guardrails).where(ab_test.c.id == test_id, ab_test.c.status.in_(lifecycle.RUNNING))
    if transaction.value(watched):
        lifecycle.evaluate(transaction, test_id)


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


def _watching(transaction: Writing, test_id: UUID, position: int, metric: str) -> Sequence[Row[Any]]:
    """The counters of a running test for this metric and variant."""
    where = (ab_guardrail.c.ab_test_id == test_id, ab_guardrail.c.position == position, ab_guardrail.c.metric == metric)
    statement = select(ab_guardrail).join(ab_test).where(*where, ab_test.c.status.in_(lifecycle.RUNNING))
    return transaction.rows(statement)


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
    where = units.place(row.ab_test_id, unit_id, row.position, -2 - row.number)
    sums = units.moved(transaction, where, units.shift(before, after, reference), Sums(*kept.sums))
    transaction.run(
        update(ab_guardrail).where(*guardrail, ab_guardrail.c.position == row.position).values(sums=sums.row())
    )
