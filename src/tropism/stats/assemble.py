"""Contrasts and figures put together into a report, the same way for metrics and preferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tropism.stats.contrast import Contrast, against
from tropism.stats.decision import decide
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Plan
from tropism.stats.report import Comparison, Interval, Note, Report, VariantFigures, Verdict
from tropism.stats.sentence import describe

Pair = tuple[int, int]


def assemble(
    plan: Plan,
    *,
    values: Sequence[float | None],
    figures: Sequence[VariantFigures],
    contrasts: Mapping[Pair, Contrast] | None,
    means: Sequence[float] | None,
    units: int,
    warmup_units: int,
    notes: Sequence[Note],
    default: int | None,
    names: Sequence[str] | None,
    counts: Mapping[Pair, PairCounts] | None = None,
    units_per_feedback: int = 1,
) -> Report:
    """The report. `values` and contrasts are oriented (higher is better), `means` and figures as they are shown.

    contrasts holds one order of each pair, None during warm-up; means is None and counts given for preferences.
    """
    both = None if contrasts is None else {**contrasts, **{(j, i): c.flipped() for (i, j), c in contrasts.items()}}
    most = None if plan.max_feedbacks is None else plan.max_feedbacks * len(values)
    standing = decide(plan, values, both, most is not None and units >= most, default)
    pairs = [(i, j) for i in range(len(values)) for j in range(len(values)) if i != j]
    report = Report(
        p_value=standing.p_value,
        variants=tuple(figures),
        comparisons=tuple(_comparison(pair, both, means, counts, plan) for pair in pairs),
        feedbacks=sum(each.feedbacks for each in figures) // units_per_feedback,
        has_enough_feedbacks=both is not None,
        warmup_units=warmup_units,
        progress=None if most is None else min(1.0, units / most),
        leader=standing.leader,
        winner=standing.winner,
        decision=standing.decision,
        better_than_default=standing.better_than_default,
        level=1 - plan.alpha,
        pair_level=1 - plan.pair_alpha(len(values)),
        tuning=plan.tuning if counts is None else None,
        notes=tuple(notes),
        sentence="",
    )
    return describe(report, names or [f"variant {i + 1}" for i in range(len(values))], plan, default)


def _comparison(
    pair: Pair,
    contrasts: Mapping[Pair, Contrast] | None,
    means: Sequence[float] | None,
    counts: Mapping[Pair, PairCounts] | None,
    plan: Plan,
) -> Comparison:
    mine, other = pair
    contrast = contrasts[pair] if contrasts else None
    return Comparison(
        variant=mine,
        other=other,
        effect=None if contrast is None else shown(contrast, plan, is_metric=counts is None),
        lift=None if contrast is None or not means or not means[other] else _lift(means[mine], means[other]),
        p_value=contrast.p if contrast else None,
        verdict=_verdict(contrast, plan.alpha),
        counts=counts[pair] if counts else None,
    )


def _lift(mean: float, base: float) -> float:
    return (mean - base) / abs(base)


def shown(contrast: Contrast, plan: Plan, is_metric: bool) -> Interval:
    """The contrast in the units of the display, its ends still agreeing with p around the shown "no difference"."""
    if is_metric:
        shown = contrast.flipped() if plan.lower_is_better else contrast
        return Interval(shown.low, shown.middle, shown.high)
    middle = 0.5 + contrast.middle
    low, high = 0.5 + contrast.low, 0.5 + contrast.high
    low, high = against(0.5, low, middle, high, contrast.p <= plan.alpha)
    return Interval(low, middle, high)


def _verdict(contrast: Contrast | None, alpha: float) -> Verdict:
    if contrast is None or contrast.p > alpha:
        return "undecided"
    return "better" if contrast.middle > 0 else "worse"
