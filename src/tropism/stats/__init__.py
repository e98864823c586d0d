"""A/B statistics that stay valid however often anyone looks: pure functions of sums, no I/O, no clock, no randomness.

A metric test keeps one `Sums` per variant, a preference test one `PairCounts` per pair; `metric_report` and
`preference_report` turn them into the figures, `guardrail` and `sample_ratio` watch over the test, and `plan_rate`,
`plan_mean`, `plan_preference` say beforehand how much feedback it needs. See docs/concepts/ab-statistics.md.
"""

from __future__ import annotations

from tropism.stats.guardrail import Harm, guardrail
from tropism.stats.metric import metric_report
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Kind, Plan
from tropism.stats.planner import Forecast, plan_mean, plan_preference, plan_rate
from tropism.stats.preference import preference_report
from tropism.stats.report import Comparison, Decision, Interval, Note, Report, VariantFigures, Verdict
from tropism.stats.sample_ratio import SampleRatio, sample_ratio
from tropism.stats.sums import Sums, Unit

__all__ = [
    "Comparison",
    "Decision",
    "Forecast",
    "Harm",
    "Interval",
    "Kind",
    "Note",
    "PairCounts",
    "Plan",
    "Report",
    "SampleRatio",
    "Sums",
    "Unit",
    "VariantFigures",
    "Verdict",
    "guardrail",
    "metric_report",
    "plan_mean",
    "plan_preference",
    "plan_rate",
    "preference_report",
    "sample_ratio",
]
