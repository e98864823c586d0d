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
    place = {"ab_test_id": test.id, "unit_id": change.of.ab_unit, "position": position}
    before = _unit(transaction, place)
    after = _changed(before, change, reference)
    _keep_unit(transaction, place, after, is_new=before is None)
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
    if change.before is not None:
        _add_pair(transaction, test.id, change.before, -1)
    _add_pair(transaction, test.id, after, +1)
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


def _unit(transaction: Writing, place: dict[str, Any]) -> Unit | None:
    row = transaction.row(select(ab_unit).where(*(ab_unit.c[name] == value for name, value in place.items())))
    return None if row is None else Unit(row.feedbacks, row.total)


def _changed(before: Unit | None, change: ValueChange, reference: float) -> Unit:
    n, s = before or (0, 0.0)
    if change.before is None:
        return Unit(n + 1, s + (change.after - reference))
    return Unit(n, s - (change.before - reference) + (change.after - reference))


def _keep_unit(transaction: Writing, place: dict[str, Any], unit: Unit, *, is_new: bool) -> None:
    values = {"feedbacks": unit.n, "total": unit.s}
    if is_new:
        transaction.run(insert(ab_unit).values(**place, **values))
        return
    same = (ab_unit.c[name] == value for name, value in place.items())
    transaction.run(update(ab_unit).where(*same).values(**values))


def _add_pair(transaction: Writing, test_id: UUID, preference: Preference, number: int) -> None:
    position = _position(transaction, test_id, preference.preferred.model_id)
    other = _position(transaction, test_id, preference.other.model_id)
    column = {None: "wins", "good": "ties_good", "bad": "ties_bad"}[preference.tied]
    pair = {"ab_test_id": test_id, "position": position, "other": other}
    where = [ab_pair.c[name] == value for name, value in pair.items()]
    counted = update(ab_pair).where(*where).values({column: ab_pair.c[column] + number})
    if not transaction.run(counted):
        zeros = {"wins": 0, "ties_good": 0, "ties_bad": 0}
        transaction.run(insert(ab_pair).values(**pair, **zeros | {column: number}))
