"""The test of "neither is preferred" on the comparisons of two variants, exact if each comparison stands for itself."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from tropism.stats.beta import log_e_share, share_interval
from tropism.stats.contrast import Contrast, agreeing
from tropism.stats.gap import lower_end, mean_gap, upper_end, z_score
from tropism.stats.mixture import critical_z, log_e, mixing_variance, p_value
from tropism.stats.moments import moments
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Plan
from tropism.stats.warmup import FEWEST_UNITS

PRIOR = 10.0
"""Beta(10, 10): the mixture that decides soonest for win rates of .55 to .65 (benchmarks/ab_validity)."""
TIE_PRIOR = 0.5


def win_contrast(counts: PairCounts, plan: Plan, corrections: float) -> Contrast:
    """Win rate with ties as one half, minus one half: its interval, and the p of "wins are as likely as losses".

    The p-value is multiplied by `corrections` (k / 2), and the interval has level 1 - alpha / corrections.
    The p-value ignores ties: under the null a decisive comparison is a fair coin, whatever decides which are shown.
    The interval is (share of decisive comparisons) x (theta - 1/2), theta being the win rate among decisive ones: the
    outermost product of two confidence sequences, so that a few comparisons, all tied, do not look like certainty.
    """
    alpha = plan.alpha / corrections
    log_value = log_e_share(counts.wins, counts.losses, 0.5, PRIOR)
    low, high = share_interval(counts.wins, counts.losses, alpha, PRIOR)
    low, high = low - 0.5, high - 0.5
    if counts.units.clustered:
        of_users, low_users, high_users = _over_users(counts, plan, alpha)
        log_value, low, high = min(log_value, of_users), min(low, low_users), max(high, high_users)
    few, many = share_interval(counts.decisive, counts.ties, alpha, TIE_PRIOR)
    middle = (counts.wins - counts.losses) / counts.total / 2 if counts.total else 0.0
    p = p_value(log_value, corrections)
    return agreeing(_least(low, few, many), middle, -_least(-high, few, many), p, plan.alpha)


def _over_users(counts: PairCounts, plan: Plan, alpha: float) -> tuple[float, float, float]:
    """ln e, and the ends of theta - 1/2, with the user as the unit: the mean of +1 for a win and -1 for a loss, halved.

    The votes of one user are not independent coins, so the exact test alone would claim too much. The pooled error is
    taken about the null, a mean of zero, so that a few users of one mind do not look like certainty.
    """
    if counts.units.units < FEWEST_UNITS:
        return 0.0, -0.5, 0.5
    units = moments(counts.units)
    about_null = sqrt(counts.units.ss) / counts.units.n
    value = replace(mean_gap(units, units), pooled=about_null)
    kappa = mixing_variance(alpha, plan.tuning / 2) * value.information
    critical = critical_z(alpha, kappa)
    low, high = lower_end(value, critical) / 2, upper_end(value, critical) / 2
    return log_e(z_score(value), kappa), max(low, -0.5), min(high, 0.5)


def _least(advantage: float, few: float, many: float) -> float:
    return advantage * (many if advantage < 0 else few)
