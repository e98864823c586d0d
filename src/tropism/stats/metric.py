"""The report of a test on metric feedback: bool or scalar values, summed per unit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tropism.stats.assemble import assemble
from tropism.stats.beta import share_interval
from tropism.stats.contrast import Contrast, agreeing
from tropism.stats.gap import Gap, gap, lower_end, mean_gap, skewness_weakens, upper_end, z_score
from tropism.stats.inputs import are_rates, check_default, check_sums
from tropism.stats.mixture import critical_z, log_e, mixing_variance, p_value
from tropism.stats.moments import Moments, moments
from tropism.stats.plan import Kind, Plan
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
    check_sums(variants, plan)
    check_default(len(variants), default)
    merged_sums = sum(variants, Sums())
    merged, each = _oriented(merged_sums, plan), [_oriented(sums, plan) for sums in variants]
    rates = are_rates(variants, plan)
    enough, needed = has_enough(variants, rates), units_needed(variants, rates)
    gaps = _gaps(variants, each, merged, plan) if enough else None
    return assemble(
        plan,
        values=[moment.mean if moment.units else None for moment in each],
        figures=[_figures(sums, plan, merged if enough else None, rates) for sums in variants],
        contrasts=None if gaps is None else {pair: _contrast(g, plan, len(variants)) for pair, g in gaps.items()},
        means=[plan.reference + (-moment.mean if plan.lower_is_better else moment.mean) for moment in each],
        units=merged.units,
        warmup_units=needed,
        notes=_notes(variants, plan, gaps or {}, needed),
        default=default,
        names=names,
    )


def mean_interval(sums: Sums, kind: Kind, alpha: float = 0.05) -> Interval | None:
    """The interval of one mean that is compared with nothing, valid at every look; None while there are too few values.

    Single bool values need no more than one, others what `units_needed` says of them.
    """
    plan = Plan(alpha=alpha, kind=kind)
    rates = are_rates([sums], plan)
    if not (sums.units if rates else has_enough([sums], rates)):
        return None
    return _interval(sums, plan, moments(sums), rates)


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


def _figures(sums: Sums, plan: Plan, merged: Moments | None, rates: bool) -> VariantFigures:
    interval = None if merged is None else _interval(sums, plan, merged, rates)
    return VariantFigures(feedbacks=sums.n, units=sums.units, interval=interval)


def _interval(sums: Sums, plan: Plan, merged: Moments, rates: bool) -> Interval:
    """Of one mean, at level 1 - alpha: exact for single bool values, else the mixture with half of the tuning."""
    if rates:
        low, high = share_interval(sums.s, sums.n - sums.s, plan.alpha, BOOL_PRIOR)
        return Interval(low, sums.s / sums.n, high)
    value = mean_gap(moments(sums), merged)
    kappa = mixing_variance(plan.alpha, plan.tuning / 2) * value.information
    critical = critical_z(plan.alpha, kappa)
    low, high = lower_end(value, critical), upper_end(value, critical)
    if plan.kind == "bool":
        low, high = max(0.0, low), min(1.0, high)
    return Interval(plan.reference + low, plan.reference + value.difference, plan.reference + high)


def _notes(variants: Sequence[Sums], plan: Plan, gaps: dict[tuple[int, int], Gap], needed: int) -> list[Note]:
    active: dict[Note, bool] = {
        "k_correction": len(variants) > 2,
        "clustered_units": any(sums.clustered for sums in variants),
        "exact_counts": are_rates(variants, plan),
        "asymptotic": True,
        "longer_warmup": needed > FEWEST_UNITS,
        "pooled_variance": any(value.pooled > value.welch * (1 + 1e-3) for value in gaps.values()),
        "skewness_correction": any(skewness_weakens(value) for value in gaps.values()),
        "lost_digits": plan.kind == "scalar" and any(moments(sums).digits_lost for sums in variants),
    }
    return [note for note, is_active in active.items() if is_active]
