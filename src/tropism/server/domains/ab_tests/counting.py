"""What counts in a test: feedback on the completions that it assigned, in the feedback's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import guardrails, lifecycle, units
from tropism.server.domains.feedback.service import Preference, PreferenceChange, ValueChange
from tropism.server.tables.ab_tests import ab_pair, ab_test, ab_unit, ab_variant
from tropism.server.tables.feedback import feedback
from tropism.server.tables.interactions import interaction
from tropism.stats.sums import Sums, Unit


def count_value(transaction: Writing, change: ValueChange) -> None:
    """Count a value, or the change of one, for the variant that its completion was assigned to."""
    test = lifecycle.running(transaction, change.of.ab_test_id)
    position = None if test is None else units.position_of(transaction, test.id, units.variant_of(change.of))
    if test is None or position is None:
        return
    if _counts(test, change.key.id, "metric"):
        _count_value(transaction, test, position, change)
    elif not (test.guardrails and guardrails.count_value(transaction, test.id, position, change)):
        return
    lifecycle.evaluate(transaction, test.id)


def count_preference(transaction: Writing, change: PreferenceChange) -> None:
    """Count a preference between two variants of one test; any other is stored, but counts nowhere."""
    after = change.after
    same_variant = units.variant_of(after.preferred) == units.variant_of(after.other)
    if after.preferred.ab_test_id != after.other.ab_test_id or same_variant:
        return
    test = lifecycle.running(transaction, after.preferred.ab_test_id)
    if test is None or not _counts(test, change.key.id, "preference"):
        return
    # The unit is who compares, if named; else whoever the answers were for.
    unit_id = change.user or min(after.preferred.ab_unit, after.other.ab_unit)
    if change.before is not None:
        _count_pair(transaction, test.id, unit_id, change.before, -1)
    _count_pair(transaction, test.id, unit_id, after, +1)
    lifecycle.evaluate(transaction, test.id)


def _counts(test: Row[Any], key_id: UUID, feedback_type: str) -> bool:
    """Whether the test is decided by such feedback on this key."""
    return bool(test.feedback_key_id == key_id and test.feedback_type == feedback_type)


def _count_value(transaction: Writing, test: Row[Any], position: int, change: ValueChange) -> None:
    reference = _reference(transaction, test, change)
    shift = units.shift(change.before, change.after, reference)

    def recounted() -> Unit | None:
        return _of_log(transaction, test, change.of, reference, change.before is None)

    _move(transaction, test.id, change.of.ab_unit, position, shift, recounted)


def _of_log(session: Reading, test: Row[Any], of: Row[Any], reference: float, is_new: bool) -> Unit | None:
    """The unit of a completion as the log has it; None if something of it was deleted there."""
    unit = (interaction.c.ab_test_id == test.id, interaction.c.ab_unit == of.ab_unit)
    variant = func.coalesce(interaction.c.assigned_model_id, interaction.c.model_id) == units.variant_of(of)
    values = select(feedback.c.value).join(interaction, interaction.c.id == feedback.c.completion_id)
    found = session.rows(values.where(*unit, variant, feedback.c.feedback_key_id == test.feedback_key_id))
    where = units.place(test.id, of.ab_unit, units.position_of(session, test.id, units.variant_of(of)) or 0)
    kept = session.value(
        select(ab_unit.c.feedbacks).where(*(ab_unit.c[name] == value for name, value in where.items()))
    )
    return Unit.of([row.value for row in found], reference) if len(found) == (kept or 0) + is_new else None


def _move(
    transaction: Writing,
    test_id: UUID,
    unit_id: UUID,
    position: int,
    by: Unit,
    recounted: Callable[[], Unit | None] = lambda: None,
) -> None:
    """Move a unit of a variant, and the variant's sums with it."""
    variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.position == position)
    sums = Sums(*transaction.value(select(ab_variant.c.sums).where(*variant)))
    sums = units.moved(transaction, units.place(test_id, unit_id, position), by, sums, recounted)
    transaction.run(update(ab_variant).where(*variant).values(sums=sums.row()))


def _reference(transaction: Writing, test: Row[Any], change: ValueChange) -> float:
    """The test's reference point: its first value, or 0 for a bool key."""
    if test.reference is not None:
        return float(test.reference)
    reference = 0.0 if change.key.kind == "bool" else change.after
    transaction.run(update(ab_test).where(ab_test.c.id == test.id).values(reference=reference))
    return reference


def _count_pair(transaction: Writing, test_id: UUID, unit_id: UUID, preference: Preference, number: int) -> None:
    """Count a preference, or take it back with a `number` of -1."""
    won = units.position_of(transaction, test_id, units.variant_of(preference.preferred))
    lost = units.position_of(transaction, test_id, units.variant_of(preference.other))
    if won is None or lost is None:
        return
    pair = {"ab_test_id": test_id, "position": min(won, lost), "other": max(won, lost)}
    column, total = (f"ties_{preference.tied}", 0) if preference.tied else ("wins", 1) if won < lost else ("losses", -1)
    sums = Sums(*_pair(transaction, pair).sums)
    if preference.tied is None:
        sums = units.moved(transaction, pair | {"unit_id": unit_id}, Unit(number, number * total), sums)
        _move(transaction, test_id, unit_id, won, Unit(number, number))
        _move(transaction, test_id, unit_id, lost, Unit(number, -number))
    counted = {column: ab_pair.c[column] + number, "sums": sums.row()}
    transaction.run(update(ab_pair).where(*_same(pair)).values(**counted))


def _pair(transaction: Writing, pair: dict[str, Any]) -> Row[Any]:
    """The counters of two variants, made at their first comparison."""
    if (row := transaction.row(select(ab_pair).where(*_same(pair)))) is not None:
        return row
    zeros = {"wins": 0, "losses": 0, "ties_good": 0, "ties_bad": 0, "sums": Sums().row()}
    transaction.run(insert(ab_pair).values(**pair, **zeros))
    return _pair(transaction, pair)


def _same(pair: dict[str, Any]) -> list[Any]:
    return [ab_pair.c[name] == value for name, value in pair.items()]
