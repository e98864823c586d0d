"""The report of a test on metric feedback: bool or scalar values, summed per unit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import isfinite

from tropism.stats.assemble import assemble, check_default
from tropism.stats.beta import share_interval
from tropism.stats.contrast import Contrast, agreeing
from tropism.stats.gap import Gap, gap, lower_end, mean_gap, skewness_weakens, upper_end, z_score
from tropism.stats.mixture import critical_z, log_e, mixing_variance, p_value
from tropism.stats.moments import Moments, moments
from tropism.stats.plan import Plan
from tropism.stats.report import Interval, Note, Report, VariantFigures
from tropism.stats.sums import Sums
from tropism.stats.warmup import FEWEST_UNITS, has_enough, units_needed

BOOL_PRIOR = 0.5


def metric_report(
    variants: Sequence[Sums], plan: Plan, *, default: int | None = None, names: Sequence[str] | None = None
) -> Report:
    """The report on the sums of 2 to 10 variants, in the order of `variants`.

    default: index of the variant that serves now, if it takes part. names: for the sentence.
    Figures may be looked at after every feedback: the chance that a false winner is ever named stays near alpha
    (asymptotically, and as simulated in benchmarks/ab_validity). Raises ValueError for sums that cannot be.
    """
    _check(variants, plan)
    check_default(len(variants), default)
    merged_sums = sum(variants, Sums())
    merged, each = _oriented(merged_sums, plan), [_oriented(sums, plan) for sums in variants]
    enough, clustered = has_enough(each, merged), merged_sums.clustered
    gaps = _gaps(variants, each, merged, plan) if enough else None
    return assemble(
        plan,
        values=[moment.mean if moment.units else None for moment in each],
        figures=[_figures(sums, plan, merged if enough else None, clustered) for sums in variants],
        contrasts=None if gaps is None else {pair: _contrast(g, plan, len(variants)) for pair, g in gaps.items()},
        means=[plan.reference + (-moment.mean if plan.lower_is_better else moment.mean) for moment in each],
        units=merged.units,
        warmup_units=units_needed(each, merged),
        notes=_notes(gaps, plan, clustered, each, merged),
        default=default,
        names=names,
    )


def _check(variants: Sequence[Sums], plan: Plan) -> None:
    plan.pair_alpha(len(variants))
    for sums in variants:
        row = sums.row()
        if not all(map(isfinite, row)):
            raise ValueError(f"sums must be finite: {sums}")
        if not 0 <= sums.units <= sums.n or (sums.units == 0) != (sums.n == 0):
            raise ValueError(f"each unit has at least one feedback: {sums}")
        if plan.kind == "bool" and not 0 <= sums.s <= sums.n:
            raise ValueError(f"the values of a bool key lie between 0 and 1: {sums}")


def _oriented(sums: Sums, plan: Plan) -> Moments:
    plain = moments(sums)
    return plain.flipped() if plan.lower_is_better else plain


def _gaps(variants: Sequence[Sums], each: Sequence[Moments], merged: Moments, plan: Plan) -> dict[tuple[int, int], Gap]:
    pairs = combinations(range(len(variants)), 2)
    return {(i, j): gap(each[i], each[j], _oriented(variants[i] + variants[j], plan), merged) for i, j in pairs}


def _contrast(value: Gap, plan: Plan, variants: int) -> Contrast:
    alpha = plan.pair_alpha(variants)
    kappa = mixing_variance(alpha, plan.tuning) * value.information
    p = p_value(log_e(z_score(value), kappa), variants / 2)
    critical = critical_z(alpha, kappa)
    return agreeing(lower_end(value, critical), value.difference, upper_end(value, critical), p, plan.alpha)


def _figures(sums: Sums, plan: Plan, merged: Moments | None, clustered: bool) -> VariantFigures:
    interval = None if merged is None else _interval(sums, plan, merged, clustered)
    return VariantFigures(feedbacks=sums.n, units=sums.units, interval=interval)


def _interval(sums: Sums, plan: Plan, merged: Moments, clustered: bool) -> Interval:
    """Of one mean, at level 1 - alpha: exact for single bool values, else the mixture with half of the tuning."""
    if plan.kind == "bool" and not clustered:
        low, high = share_interval(sums.s, sums.n - sums.s, plan.alpha, BOOL_PRIOR)
        return Interval(low, sums.s / sums.n, high)
    value = mean_gap(moments(sums), merged)
    kappa = mixing_variance(plan.alpha, plan.tuning / 2) * value.information
    critical = critical_z(plan.alpha, kappa)
    low, high = lower_end(value, critical), upper_end(value, critical)
    if plan.kind == "bool":
        low, high = max(0.0, low), min(1.0, high)
    return Interval(plan.reference + low, plan.reference + value.difference, plan.reference + high)


def _notes(
    gaps: dict[tuple[int, int], Gap] | None,
    plan: Plan,
    clustered: bool,
    each: Sequence[Moments],
    merged: Moments,
) -> list[Note]:
    shown = list((gaps or {}).values())
    active: dict[Note, bool] = {
        "k_correction": len(each) > 2,
        "clustered_units": clustered,
        "exact_counts": plan.kind == "bool" and not clustered,
        "asymptotic": True,
        "longer_warmup": units_needed(each, merged) > FEWEST_UNITS,
        "pooled_variance": any(value.pooled > value.welch * (1 + 1e-3) for value in shown),
        "skewness_correction": any(skewness_weakens(value) for value in shown),
        "lost_digits": plan.kind == "scalar" and any(moment.digits_lost for moment in each),
    }
    return [note for note, is_active in active.items() if is_active]
