"""Who was assigned to which variant: counted as completions, as units, and as requests that failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select, update

from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import guardrails, lifecycle, service, units
from tropism.server.domains.interactions.records import Record
from tropism.server.domains.models import service as models
from tropism.server.errors import InvalidRequest
from tropism.server.tables.ab_tests import ab_test, ab_unit, ab_variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """A completion of a test. `stays` says that its unit may come again: a user or a session."""

    test_id: UUID
    model_id: UUID
    unit_id: UUID
    stays: bool
    latency_ms: float | None = None


def count(transaction: Writing, assigned: Sequence[Assigned]) -> None:
    """Count completions that were assigned to variants, and what they say about latency."""
    by_variant: dict[tuple[UUID, UUID], list[Assigned]] = defaultdict(list)
    for each in assigned:
        by_variant[each.test_id, each.model_id].append(each)
    for (test_id, model_id), here in by_variant.items():
        position = units.position_of(transaction, test_id, model_id)
        if position is None or not lifecycle.is_running(transaction, test_id):
            continue
        new = sum(_is_new(transaction, each, position) for each in here)
        variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.position == position)
        counted = {"assigned": ab_variant.c.assigned + len(here), "assigned_units": ab_variant.c.assigned_units + new}
        transaction.run(update(ab_variant).where(*variant).values(**counted))
        latencies = [(each.unit_id, each.latency_ms) for each in here if each.latency_ms is not None]
        guardrails.count_latencies(transaction, test_id, position, latencies)


def count_logged(transaction: Writing, *logged: Record) -> None:
    """Count those records that belong to a test. What was cut short says nothing about latency."""
    count(
        transaction,
        [
            Assigned(
                test_id=row.ab_test_id,
                model_id=row.model_id,
                unit_id=row.ab_unit,
                stays=row.ab_unit in (row.user_id, row.session_id),
                latency_ms=None if row.finish_reason == "cancelled" else row.latency_ms,
            )
            for row in logged
            if row.ab_test_id and row.model_id and row.ab_unit
        ],
    )


def count_failure(transaction: Writing, place: tuple[UUID, UUID]) -> None:
    """Count a request that a variant could not answer."""
    test_id, model_id = place
    variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.model_id == model_id)
    transaction.run(update(ab_variant).where(*variant).values(errors=ab_variant.c.errors + 1))
    guardrails.check(transaction, test_id)


def count_shadow(transaction: Writing, record: Record) -> None:
    """Count an answer that was made only to be compared, and what it cost. It is no assignment."""
    counted = {
        "shadow_completions": ab_test.c.shadow_completions + 1,
        "shadow_prompt_tokens": ab_test.c.shadow_prompt_tokens + (record.prompt_tokens or 0),
        "shadow_completion_tokens": ab_test.c.shadow_completion_tokens + (record.completion_tokens or 0),
    }
    transaction.run(update(ab_test).where(ab_test.c.id == record.ab_test_id).values(**counted))


def join_offline(transaction: Writing, use_case_id: UUID, reference: str, model: str | None) -> UUID:
    """The test that a completion made elsewhere says it belongs to; its model must be one of the variants.

    The test may have ended meanwhile: the completion belongs to it all the same, and counts no more.
    """
    test = service.find(transaction, reference, param="ab_campaign")
    if test.use_case_id != use_case_id:
        raise InvalidRequest(f"A/B test {test.key!r} belongs to another use case", param="ab_campaign")
    if model is None:
        raise InvalidRequest("with `ab_campaign`, name the `model` that answered", param="model")
    model_id = models.find(transaction, model).id
    if units.position_of(transaction, test.id, model_id) is None:
        raise InvalidRequest(f"model {model!r} is not a variant of A/B test {test.key!r}", param="model")
    id: UUID = test.id
    return id


def _is_new(transaction: Writing, assigned: Assigned, position: int) -> bool:
    """Whether this unit was never counted. One that cannot come again needs no row to remember it."""
    if not assigned.stays:
        return True
    where = units.place(assigned.test_id, assigned.unit_id, position, ASSIGNED)
    if transaction.row(select(ab_unit.c.feedbacks).where(*(ab_unit.c[name] == value for name, value in where.items()))):
        return False
    transaction.run(insert(ab_unit).values(**where, feedbacks=0, total=0.0))
    return True


ASSIGNED = -1_000
"""In a unit's `other`: the unit was assigned here."""
