"""The figures of a test: its stored counters handed to `stats`, and the report that comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from tropism.server.clock import time_of
from tropism.server.database.session import Reading
from tropism.server.tables.ab_tests import ab_pair, ab_variant
from tropism.server.tables.feedback import feedback_key
from tropism.server.tables.models import model
from tropism.stats import report as stats
from tropism.stats.metric import metric_report
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Plan
from tropism.stats.preference import preference_report
from tropism.stats.sums import Sums
from tropism.wire import ab_tests as wire


def variants_of(session: Reading, test_id: UUID) -> list[Row[Any]]:
    """The variants in their order, with the keys of their models."""
    statement = select(ab_variant, model.c.key).join(model).where(ab_variant.c.ab_test_id == test_id)
    return list(session.rows(statement.order_by(ab_variant.c.position)))


def look(session: Reading, test: Row[Any], variants: list[Row[Any]]) -> stats.Report:
    """The figures as they stand."""
    names = [variant.key for variant in variants]
    ids = [variant.model_id for variant in variants]
    default = ids.index(test.default_model_id) if test.default_model_id in ids else None
    plan = _plan(session, test)
    if test.feedback_type == "metric":
        sums = [Sums(*variant.sums) for variant in variants]
        return metric_report(sums, plan, default=default, names=names)
    return preference_report(len(variants), _pairs(session, test.id), plan, default=default, names=names)


def _plan(session: Reading, test: Row[Any]) -> Plan:
    key = session.row(select(feedback_key).where(feedback_key.c.id == test.feedback_key_id))
    assert key is not None, "a key that a test counts is never deleted"
    if test.feedback_type == "preference":
        return Plan()
    return Plan(kind=key.kind, lower_is_better=key.scoring_type == "lower_is_better", reference=test.reference or 0.0)


def _pairs(session: Reading, test_id: UUID) -> dict[tuple[int, int], PairCounts]:
    rows = session.rows(select(ab_pair).where(ab_pair.c.ab_test_id == test_id))
    found: dict[tuple[int, int], PairCounts] = {}
    for row in rows:
        counts = PairCounts(row.wins, row.losses, row.ties_good, row.ties_bad, users=Sums(*row.sums))
        found[row.position, row.other] = counts
    return found


def report(test: Row[Any], variants: list[Row[Any]], seen: stats.Report, ended: datetime | None) -> wire.ABReport:
    """The report as the API shows it."""
    names = [variant.key for variant in variants]
    return wire.ABReport(
        p_value=seen.p_value,
        variants=[_variant(i, row, names, seen) for i, row in enumerate(variants)],
        feedbacks=seen.feedbacks,
        has_enough_feedbacks=seen.has_enough_feedbacks,
        begin_date=time_of(test.id),
        end_date=ended,
        winner=names[seen.winner] if seen.winner is not None else None,
        outcome=None if seen.decision == "continue" else seen.decision,
        summary=seen.sentence,
        assumptions=list(seen.notes),
    )


def _variant(i: int, row: Row[Any], names: list[str], seen: stats.Report) -> wire.VariantReport:
    figures = seen.variants[i]
    return wire.VariantReport(
        variant=row.key,
        interval=_interval(figures.interval),
        feedbacks=figures.feedbacks,
        units=figures.units,
        assigned=row.assigned,
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
