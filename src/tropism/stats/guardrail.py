"""Guardrails: a one-sided test, valid at every look, that a variant has not made another metric worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, nextafter

from tropism.stats.gap import gap, lower_end, z_score
from tropism.stats.inputs import are_rates, check_default, check_sums
from tropism.stats.mixture import critical_z_above, log_e_above, mixing_variance, p_value
from tropism.stats.moments import moments
from tropism.stats.plan import Plan
from tropism.stats.sums import Sums
from tropism.stats.warmup import has_enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """How much worse than the default a variant is on a guardrail, in the key's units; above 0 is worse.

    worsening: as measured. at_least: the lower end of its one-sided interval; at_least > tolerance, p_value <= alpha
    and `breached` are one and the same. Figures are None during warm-up.
    """

    variant: int
    worsening: float | None
    at_least: float | None
    p_value: float | None
    breached: bool


def guardrail(variants: Sequence[Sums], plan: Plan, *, default: int, tolerance: float = 0.0) -> tuple[Harm, ...]:
    """For each variant but the default: is it worse than the default by more than `tolerance` (key's units)?

    plan: that of the guardrail's own key (direction, reference); its alpha bounds the chance that any variant that is
    not worse is ever flagged, by a union over the k - 1 challengers. Divide alpha by the number of guardrails yourself.
    min_effect and max_feedbacks are ignored. Raises ValueError for a negative tolerance or a wrong default.
    Source: one-sided normal mixture, Robbins 1970; Howard et al. 2021, prop. 6.
    """
    check_sums(variants, plan)
    check_default(len(variants), default)
    if not (tolerance >= 0 and isfinite(tolerance)):
        raise ValueError(f"tolerance must be 0 or more, not {tolerance}")
    enough = has_enough(variants, are_rates(variants, plan))
    return tuple(_harm(variants, plan, default, i, tolerance, enough) for i in range(len(variants)) if i != default)


def _harm(variants: Sequence[Sums], plan: Plan, default: int, i: int, tolerance: float, enough: bool) -> Harm:
    """Bad is up here: a value of a higher-is-better key counts as its negative."""
    mine, base, pair, spare = (
        moments(sums) if plan.lower_is_better else moments(sums).flipped()
        for sums in (variants[i], variants[default], variants[i] + variants[default], sum(variants, Sums()))
    )
    if not enough:
        return Harm(variant=i, worsening=None, at_least=None, p_value=None, breached=False)
    others = len(variants) - 1
    value = gap(mine, base, pair, spare)
    kappa = mixing_variance(2 * plan.alpha / others, plan.tuning) * value.information
    p = p_value(log_e_above(z_score(value, tolerance), kappa), others)
    breached = p <= plan.alpha
    end = lower_end(value, critical_z_above(plan.alpha / others, kappa))
    end = max(end, nextafter(tolerance, inf)) if breached else min(end, tolerance)
    return Harm(variant=i, worsening=value.difference, at_least=end, p_value=p, breached=breached)
