"""The figures of a test: its stored counters handed to `stats`, and the report that comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from tropism.server.clock import time_of
from tropism.server.database.session import Reading
from tropism.server.domains.ab_tests.harms import harms
from tropism.server.tables.ab_tests import ab_pair, ab_variant
from tropism.server.tables.feedback import feedback_key
from tropism.server.tables.models import model
from tropism.stats import report as stats
from tropism.stats.metric import metric_report
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Plan
from tropism.stats.preference import preference_report
from tropism.stats.sample_ratio import sample_ratio
from tropism.stats.sums import Sums
from tropism.wire import ab_tests as wire

ENDED = {
    "No winner yet": "No winner",
    "No feedback yet": "There was no feedback",
    "Warming up": "There was not enough feedback for figures",
}


def variants_of(session: Reading, test_id: UUID) -> list[Row[Any]]:
    """The variants in their order, with the keys of their models."""
    statement = select(ab_variant, model.c.key).join(model).where(ab_variant.c.ab_test_id == test_id)
    return list(session.rows(statement.order_by(ab_variant.c.position)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A test as it stands: its counters, and what they say."""

    test: Row[Any]
    variants: list[Row[Any]]
    seen: stats.Report
    guardrails: list[wire.GuardrailReport]
    sample_ratio: wire.SampleRatio
    feedback_ratio: wire.SampleRatio | None


def look(session: Reading, test: Row[Any]) -> Look:
    """Take the figures of this moment."""
    variants = variants_of(session, test.id)
    ids = [variant.model_id for variant in variants]
    default = ids.index(test.default_model_id) if test.default_model_id in ids else None
    seen = _seen(session, test, variants, default)
    return Look(
        test=test,
        variants=variants,
        seen=seen,
        guardrails=harms(session, test, variants, default),
        sample_ratio=_ratio([variant.assigned_units for variant in variants]),
        feedback_ratio=_ratio([each.units for each in seen.variants]) if test.feedback_type == "metric" else None,
    )


def _ratio(counts: list[int]) -> wire.SampleRatio:
    """Whether these units are spread as evenly as they are drawn."""
    found = sample_ratio(counts)
    return wire.SampleRatio(p_value=found.p_value, alarm=found.alarm)


def _seen(session: Reading, test: Row[Any], variants: list[Row[Any]], default: int | None) -> stats.Report:
    names, plan = [variant.key for variant in variants], _plan(session, test)
    if test.feedback_type == "metric":
        sums = [Sums(*variant.sums) for variant in variants]
        return metric_report(sums, plan, default=default, names=names)
    users = [Sums(*variant.sums) for variant in variants] if len(variants) > 2 else None
    return preference_report(len(variants), _pairs(session, test.id), plan, default=default, names=names, users=users)


def _plan(session: Reading, test: Row[Any]) -> Plan:
    key = session.row(select(feedback_key).where(feedback_key.c.id == test.feedback_key_id))
    assert key is not None, "a key that a test counts is never deleted"
    limits: dict[str, Any] = {"min_effect": test.min_effect, "max_feedbacks": test.max_feedbacks}
    if test.feedback_type == "preference":
        return Plan(**limits)
    lower = key.scoring_type == "lower_is_better"
    return Plan(kind=key.kind, lower_is_better=lower, reference=test.reference or 0.0, **limits)


def _pairs(session: Reading, test_id: UUID) -> dict[tuple[int, int], PairCounts]:
    rows = session.rows(select(ab_pair).where(ab_pair.c.ab_test_id == test_id))
    found: dict[tuple[int, int], PairCounts] = {}
    for row in rows:
        counts = PairCounts(row.wins, row.losses, row.ties_good, row.ties_bad, users=Sums(*row.sums))
        found[row.position, row.other] = counts
    return found


def report(look: Look, outcome: wire.Outcome | None, ended: datetime | None) -> wire.ABReport:
    """The report as the API shows it."""
    names, seen = [variant.key for variant in look.variants], look.seen
    wins = seen.winner is not None and outcome != "guardrail"
    return wire.ABReport(
        p_value=seen.p_value,
        variants=[_variant(i, row, names, seen) for i, row in enumerate(look.variants)],
        feedbacks=seen.feedbacks,
        has_enough_feedbacks=seen.has_enough_feedbacks,
        begin_date=time_of(look.test.id),
        end_date=ended,
        winner=names[seen.winner] if wins and seen.winner is not None else None,
        outcome=outcome,
        summary=_summary(look, outcome),
        assumptions=list(seen.notes),
        progress=seen.progress,
        guardrails=look.guardrails,
        sample_ratio=look.sample_ratio,
        feedback_ratio=look.feedback_ratio,
        shadow=wire.ShadowReport(
            completions=look.test.shadow_completions,
            prompt_tokens=look.test.shadow_prompt_tokens,
            completion_tokens=look.test.shadow_completion_tokens,
            cost_usd=look.test.shadow_cost_usd,
        ),
    )


def _summary(look: Look, outcome: wire.Outcome | None) -> str:
    """One or two plain sentences."""
    said = []
    if outcome == "guardrail":
        worse = next(each for each in look.guardrails if each.breached)
        said.append(f"Stopped: {worse.variant} is worse than the default on {worse.metric} by {_worse(worse)}.")
    elif outcome == "cancelled":
        said.append("Cancelled.")
    elif outcome == "expired":
        said.append("The time of the test is over.")
    said.append(_of_the_past(look.seen.sentence) if said else look.seen.sentence)
    if look.sample_ratio.alarm:
        said.append("Beware: the variants did not get equal shares of users, so something sorts them; see the split.")
    elif look.feedback_ratio is not None and look.feedback_ratio.alarm:
        said.append("Beware: the users of some variant answer less often, or later, and may be unlike those who do.")
    return " ".join(said)


def _worse(seen: wire.GuardrailReport) -> str:
    figures = (seen.worsening or 0.0, seen.at_least or 0.0, seen.tolerance)
    worse, least, allowed = (f"{value:.3g}" for value in figures)
    return f"{worse} (at least {least}; allowed were {allowed})"


def _of_the_past(sentence: str) -> str:
    """What `stats` says of a test that goes on, of one that was ended from outside."""
    for present, past in ENDED.items():
        sentence = sentence.replace(present, past)
    return sentence


def _variant(i: int, row: Row[Any], names: list[str], seen: stats.Report) -> wire.VariantReport:
    figures = seen.variants[i]
    return wire.VariantReport(
        variant=row.key,
        interval=_interval(figures.interval),
        feedbacks=figures.feedbacks,
        units=figures.units,
        assigned=row.assigned,
        assigned_units=row.assigned_units,
        errors=row.errors,
        fallbacks=row.fallbacks,
        comparisons=[_comparison(each, names) for each in seen.comparisons if each.variant == i],
    )


def _comparison(seen: stats.Comparison, names: list[str]) -> wire.VariantComparison:
    counts = seen.counts or PairCounts()
    return wire.VariantComparison(
        variant=names[seen.other],
        p_value=seen.p_value,
        difference=_interval(seen.effect),
        lift=seen.lift,
        wins=counts.wins,
        losses=counts.losses,
        ties_good=counts.ties_good,
        ties_bad=counts.ties_bad,
        feedbacks=counts.total,
    )


def _interval(seen: stats.Interval | None) -> wire.Interval | None:
    return None if seen is None else wire.Interval(start=seen.start, middle=seen.middle, end=seen.end)
