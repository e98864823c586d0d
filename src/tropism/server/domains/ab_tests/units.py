"""Units of analysis: users, sessions, or single completions. Their sums move with each value that comes or changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.tables.ab_tests import ab_unit, ab_variant
from tropism.stats.sums import Sums, Unit

VALUES, ASSIGNED = -1, -2
"""In a unit's `other`: the values of the test's own key, or wins less losses against all other variants; that the unit
was assigned. Zero and above is the variant that it was compared with."""

Place = dict[str, Any]


def place(test_id: UUID, unit_id: UUID, position: int, other: int = VALUES) -> Place:
    """Where a unit's sums of one kind are kept."""
    return {"ab_test_id": test_id, "unit_id": unit_id, "position": position, "other": other}


def of_guardrail(number: int) -> int:
    """In a unit's `other`: the values of a guardrail, by its place in the test's list."""
    return -3 - number


def shift(before: float | None, after: float, reference: float) -> Unit:
    """What a value adds to its unit; one that took the place of another adds no feedback."""
    return Unit(1, after - reference) if before is None else Unit(0, after - before)


def moved(
    transaction: Writing, where: Place, by: Unit, sums: Sums, recounted: Callable[[], Unit | None] = lambda: None
) -> Sums:
    """A variant's sums after one of its units has moved; the unit itself is stored.

    Where a value that is corrected was so large that the sums have lost the digits of all others, the unit is taken as
    `recounted`, if it can be, and the sums are made anew of all units.
    """
    same = [ab_unit.c[name] == value for name, value in where.items()]
    row = transaction.row(select(ab_unit).where(*same))
    before = Unit(0, 0.0) if row is None else Unit(row.feedbacks, row.total)
    after = Unit(before.n + by.n, before.s + by.s)
    lost = before.n > 0 and not sums.keeps_digits(before)
    if lost:
        after = recounted() or after
    values = {"feedbacks": after.n, "total": after.s}
    if row is None:
        transaction.run(insert(ab_unit).values(**where, **values))
    else:
        transaction.run(update(ab_unit).where(*same).values(**values))
    if lost:
        return _summed(transaction, where)
    return sums.replace(before if before.n else None, after if after.n else None)


def _summed(transaction: Writing, where: Place) -> Sums:
    """The sums of all units of one kind."""
    alike = [ab_unit.c[name] == where[name] for name in ("ab_test_id", "position", "other")]
    rows = transaction.rows(select(ab_unit.c.feedbacks, ab_unit.c.total).where(*alike, ab_unit.c.feedbacks > 0))
    return Sums.of(Unit(row.feedbacks, row.total) for row in rows)


def variant_of(logged: Row[Any]) -> UUID | None:
    """The model that a completion counts for: the one that was drawn, also where a fallback has answered."""
    id: UUID | None = logged.assigned_model_id or logged.model_id
    return id


def position_of(transaction: Reading, test_id: UUID, model_id: UUID | None) -> int | None:
    """The place of a model among the variants; None if it is none of them."""
    variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.model_id == model_id)
    found: int | None = transaction.value(select(ab_variant.c.position).where(*variant))
    return found
