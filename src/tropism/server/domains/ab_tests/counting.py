"""What counts in a test: completions that it assigned, and the feedback on them, in the feedback's own transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import lifecycle, service
from tropism.server.domains.feedback.service import Preference, PreferenceChange, ValueChange
from tropism.server.domains.models import service as models
from tropism.server.errors import InvalidRequest
from tropism.server.tables.ab_tests import ab_pair, ab_test, ab_unit, ab_variant
from tropism.stats.sums import Sums, Unit

Place = tuple[UUID, UUID]
"""A test and one of its models."""
ALONE = -1
"""Stands for the other variant where there is none: a value speaks of one variant alone."""


def count_assigned(transaction: Writing, places: Sequence[Place]) -> None:
    """Count completions that were assigned to variants."""
    for (test_id, model_id), number in Counter(places).items():
        variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.model_id == model_id)
        transaction.run(update(ab_variant).where(*variant).values(assigned=ab_variant.c.assigned + number))


def join_offline(transaction: Writing, use_case_id: UUID, reference: str, model: str | None) -> UUID:
    """The test that a completion made elsewhere says it belongs to; its model must be one of the variants."""
    test = service.find_running(transaction, reference, use_case_id)
    if model is None:
        raise InvalidRequest("with `ab_campaign`, name the `model` that answered", param="model")
    model_id = models.find(transaction, model).id
    if _position(transaction, test.id, model_id) is None:
        raise InvalidRequest(f"model {model!r} is not a variant of A/B test {test.key!r}", param="model")
    count_assigned(transaction, [(test.id, model_id)])
    id: UUID = test.id
    return id


def count_value(transaction: Writing, change: ValueChange) -> None:
    """Count a value, or the change of one, for the variant that its completion was assigned to."""
    test = _counting(transaction, change.of.ab_test_id, change.key.id, "metric")
    if test is None:
        return
    position = _position(transaction, test.id, change.of.model_id)
    if position is None:
        return
    reference = _reference(transaction, test, change)
    n, s = (1, change.after) if change.before is None else (0, change.after - change.before)
    shift = Unit(n, s - n * reference)
    place = {"ab_test_id": test.id, "unit_id": change.of.ab_unit, "position": position, "other": ALONE}
    before, after = _move_unit(transaction, place, shift)
    variant = (ab_variant.c.ab_test_id == test.id, ab_variant.c.position == position)
    sums = Sums(*transaction.value(select(ab_variant.c.sums).where(*variant))).replace(before, after)
    transaction.run(update(ab_variant).where(*variant).values(sums=sums.row()))
    lifecycle.evaluate(transaction, test.id)


def count_preference(transaction: Writing, change: PreferenceChange) -> None:
    """Count a preference between two variants of one test; any other is stored, but counts nowhere."""
    after = change.after
    if after.preferred.ab_test_id != after.other.ab_test_id or after.preferred.model_id == after.other.model_id:
        return
    test = _counting(transaction, after.preferred.ab_test_id, change.key.id, "preference")
    if test is None:
        return
    # The unit is who compares, if named; else whoever the answers were for.
    unit_id = change.user or min(after.preferred.ab_unit, after.other.ab_unit)
    if change.before is not None:
        _count_pair(transaction, test.id, unit_id, change.before, -1)
    _count_pair(transaction, test.id, unit_id, after, +1)
    lifecycle.evaluate(transaction, test.id)


def _counting(transaction: Writing, test_id: UUID | None, key_id: UUID, feedback_type: str) -> Row[Any] | None:
    """The running test that counts feedback on this key. Feedback that comes after its end changes nothing."""
    if test_id is None:
        return None
    where = (ab_test.c.id == test_id, ab_test.c.feedback_key_id == key_id, ab_test.c.feedback_type == feedback_type)
    return transaction.row(select(ab_test).where(*where, ab_test.c.status.in_(lifecycle.RUNNING)))


def _position(transaction: Writing, test_id: UUID, model_id: UUID | None) -> int | None:
    variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.model_id == model_id)
    found: int | None = transaction.value(select(ab_variant.c.position).where(*variant))
    return found


def _reference(transaction: Writing, test: Row[Any], change: ValueChange) -> float:
    """The test's reference point: its first value, or 0 for a bool key."""
    if test.reference is not None:
        return float(test.reference)
    reference = 0.0 if change.key.kind == "bool" else change.after
    transaction.run(update(ab_test).where(ab_test.c.id == test.id).values(reference=reference))
    return reference


def _move_unit(transaction: Writing, place: dict[str, Any], shift: Unit) -> tuple[Unit | None, Unit | None]:
    """Add to what is known of a unit; return it as it was and as it is, None where it has no feedback."""
    where = [ab_unit.c[name] == value for name, value in place.items()]
    row = transaction.row(select(ab_unit).where(*where))
    n, s = (0, 0.0) if row is None else (row.feedbacks, row.total)
    before, after = Unit(n, s), Unit(n + shift.n, s + shift.s)
    values = {"feedbacks": after.n, "total": after.s}
    if row is None:
        transaction.run(insert(ab_unit).values(**place, **values))
    else:
        transaction.run(update(ab_unit).where(*where).values(**values))
    return before if before.n else None, after if after.n else None


def _count_pair(transaction: Writing, test_id: UUID, unit_id: UUID, preference: Preference, number: int) -> None:
    """Count a preference, or take it back with a `number` of -1."""
    won = _position(transaction, test_id, preference.preferred.model_id)
    lost = _position(transaction, test_id, preference.other.model_id)
    if won is None or lost is None:
        return
    pair = {"ab_test_id": test_id, "position": min(won, lost), "other": max(won, lost)}
    column, total = (f"ties_{preference.tied}", 0) if preference.tied else ("wins", 1) if won < lost else ("losses", -1)
    row = _pair(transaction, pair)
    sums = Sums(*row.sums)
    if preference.tied is None:
        sums = sums.replace(*_move_unit(transaction, pair | {"unit_id": unit_id}, Unit(number, number * total)))
    where = [ab_pair.c[name] == value for name, value in pair.items()]
    counted = {column: ab_pair.c[column] + number, "sums": sums.row()}
    transaction.run(update(ab_pair).where(*where).values(**counted))


def _pair(transaction: Writing, pair: dict[str, Any]) -> Row[Any]:
    """The counters of two variants, made at their first comparison."""
    statement = select(ab_pair).where(*(ab_pair.c[name] == value for name, value in pair.items()))
    if (row := transaction.row(statement)) is not None:
        return row
    zeros = {"wins": 0, "losses": 0, "ties_good": 0, "ties_bad": 0, "sums": Sums().row()}
    transaction.run(insert(ab_pair).values(**pair, **zeros))
    return _pair(transaction, pair)
