"""How each variant stands to the default on the guardrails."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select

from tropism.server.database.session import Reading
from tropism.server.tables.ab_tests import ab_guardrail
from tropism.server.tables.feedback import feedback_key
from tropism.stats.guardrail import guardrail
from tropism.stats.plan import Plan
from tropism.stats.sums import Sums
from tropism.wire.ab_tests import Guardrail, GuardrailReport

LATENCY, COST, ERRORS = "latency_ms", "cost_usd", "error_rate"
BUILT_IN = (LATENCY, COST, ERRORS)
ALPHA = 0.05


def guardrails_of(test: Row[Any]) -> list[Guardrail]:
    """The guardrails of a test, in their order."""
    return msgspec.convert(test.guardrails, list[Guardrail])


def harms(session: Reading, test: Row[Any], variants: list[Row[Any]], default: int | None) -> list[GuardrailReport]:
    """Each challenger on each guardrail. Together they raise a false alarm in at most 5 % of tests."""
    watched = guardrails_of(test)
    if default is None:
        return []
    found = []
    for number, each in enumerate(watched):
        sums, plan = _counted(session, test, variants, number, each, ALPHA / len(watched))
        for harm in guardrail(sums, plan, default=default, tolerance=each.tolerance):
            report = GuardrailReport(
                metric=each.metric,
                variant=variants[harm.variant].key,
                tolerance=each.tolerance,
                worsening=harm.worsening,
                at_least=harm.at_least,
                breached=harm.breached,
            )
            found.append(report)
    return found


def _counted(
    session: Reading, test: Row[Any], variants: list[Row[Any]], number: int, watched: Guardrail, alpha: float
) -> tuple[list[Sums], Plan]:
    """The sums by variant, and what they mean."""
    if watched.metric == ERRORS:
        return [_failures(variant) for variant in variants], Plan(alpha=alpha, kind="bool", lower_is_better=True)
    where = (ab_guardrail.c.ab_test_id == test.id, ab_guardrail.c.number == number)
    rows = session.rows(select(ab_guardrail).where(*where).order_by(ab_guardrail.c.position))
    sums, reference = [Sums(*row.sums) for row in rows], rows[0].reference or 0.0
    if watched.metric in BUILT_IN:
        return sums, Plan(alpha=alpha, lower_is_better=True, reference=reference)
    key = session.row(select(feedback_key).where(feedback_key.c.id == UUID(rows[0].metric)))
    assert key is not None, "a key that a test watches is never deleted"
    lower = key.scoring_type == "lower_is_better"
    return sums, Plan(alpha=alpha, kind=key.kind, lower_is_better=lower, reference=reference)


def _failures(variant: Row[Any]) -> Sums:
    """Requests of a variant, each a unit that failed (1) or did not (0). One that a fallback answered has failed."""
    n, s = variant.assigned + variant.errors - variant.fallbacks, float(variant.errors)
    return Sums(n, n, s, n, s, s, n, s, s, s)
