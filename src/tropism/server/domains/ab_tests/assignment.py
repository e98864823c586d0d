"""Who was assigned to which variant: counted as completions, as units, and as requests that failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import guardrails, lifecycle, service, units
from tropism.server.domains.interactions.records import Record
from tropism.server.domains.models import service as models
from tropism.server.errors import InvalidRequest
from tropism.server.tables.ab_tests import ab_test, ab_unit, ab_variant


def count(transaction: Writing, logged: Sequence[Record]) -> None:
    """Count those completions that belong to a running test, and what they say about latency and cost.

    A fallback's counts for the variant that was drawn: whoever is left out would not be missing at random.
    """
    by_variant: dict[tuple[UUID, UUID], list[Record]] = defaultdict(list)
    for record in logged:
        if record.ab_test_id and record.variant_id:
            by_variant[record.ab_test_id, record.variant_id].append(record)
    for (test_id, model_id), records in by_variant.items():
        test, position = lifecycle.running(transaction, test_id), units.position_of(transaction, test_id, model_id)
        if test is not None and position is not None:
            _count(transaction, test, position, records)


def _count(transaction: Writing, test: Row[Any], position: int, records: list[Record]) -> None:
    new = sum(_is_new(transaction, test.id, position, record) for record in records)
    failed = sum(record.assigned_model_id is not None for record in records)
    counted = {"assigned": ab_variant.c.assigned + len(records), "assigned_units": ab_variant.c.assigned_units + new}
    counted |= {"errors": ab_variant.c.errors + failed, "fallbacks": ab_variant.c.fallbacks + failed}
    variant = (ab_variant.c.ab_test_id == test.id, ab_variant.c.position == position)
    transaction.run(update(ab_variant).where(*variant).values(**counted))
    if test.guardrails:
        guardrails.count_completions(transaction, test.id, position, records)
        lifecycle.evaluate(transaction, test.id)


def count_failure(transaction: Writing, place: tuple[UUID, UUID]) -> None:
    """Count a request that a variant could not answer, and no fallback either."""
    test_id, model_id = place
    test = lifecycle.running(transaction, test_id)
    if test is None:
        return
    variant = (ab_variant.c.ab_test_id == test_id, ab_variant.c.model_id == model_id)
    transaction.run(update(ab_variant).where(*variant).values(errors=ab_variant.c.errors + 1))
    if test.guardrails:
        lifecycle.evaluate(transaction, test_id)


def count_shadow(transaction: Writing, record: Record) -> None:
    """Count an answer that was made only to be compared, and what it cost. It is no assignment."""
    counted: dict[str, Any] = {
        "shadow_completions": ab_test.c.shadow_completions + 1,
        "shadow_prompt_tokens": ab_test.c.shadow_prompt_tokens + (record.prompt_tokens or 0),
        "shadow_completion_tokens": ab_test.c.shadow_completion_tokens + (record.completion_tokens or 0),
    }
    if record.cost_usd is not None:
        counted["shadow_cost_usd"] = func.coalesce(ab_test.c.shadow_cost_usd, 0.0) + record.cost_usd
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


def _is_new(transaction: Writing, test_id: UUID, position: int, record: Record) -> bool:
    """Whether this unit was never counted. Only a user or a session can come again, and needs a row to remember it.

    Any other unit is one request, which may have several answers.
    """
    unit_id = record.ab_unit
    if unit_id is None or unit_id not in (record.user_id, record.session_id):
        return record.is_first
    where = units.place(test_id, unit_id, position, units.ASSIGNED)
    if transaction.row(select(ab_unit.c.feedbacks).where(*(ab_unit.c[name] == value for name, value in where.items()))):
        return False
    transaction.run(insert(ab_unit).values(**where, feedbacks=0, total=0.0))
    return True
