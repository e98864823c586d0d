"""How many units a test needs for a given effect, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, erfc, exp, isfinite, log, log1p, sqrt
from statistics import NormalDist

from tropism.stats.mixture import mixing_variance
from tropism.stats.plan import Plan
from tropism.stats.root import bisect
from tropism.stats.warmup import FEWEST_COMPARISONS, FEWEST_UNITS, PER_SKEWNESS, PER_SKEWNESS_OF_RATES
from tropism.stats.win_rate import PRIOR

POWER = 0.8
CAP = 1.8
MOST_UNITS = 1e15
LEAST_TUNING, MOST_TUNING = 100.0, 20_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a test needs if the true effect is the one planned for; all but `tuning` are units per variant.

    fixed_horizon: n80, what a test that is looked at once needs for 80 % power, at the same corrected level.
    median: half of the tests have decided by then. for_80_percent: four in five have.
    warmup: before this no figures are shown. max_feedbacks: 1.8 n80, a sensible maximum. tuning: for `Plan`.
    """

    fixed_horizon: int
    median: int
    for_80_percent: int
    warmup: int
    max_feedbacks: int
    tuning: float


def plan_rate(baseline: float, effect: float, *, variants: int = 2, alpha: float = 0.05) -> Forecast:
    """The forecast for a bool key: rate `baseline` in one variant, `baseline + effect` in the better (or worse) one.

    n80 = (z_{1-a/2} + z_{.8})^2 (p q + p' q') / effect^2, a = 2 alpha / k. Raises ValueError for rates outside (0, 1).
    """
    changed = baseline + effect
    if not (0 < baseline < 1 and 0 < changed < 1):
        raise ValueError(f"rates must lie between 0 and 1, not {baseline} and {changed}")
    spread, middle = baseline * (1 - baseline) + changed * (1 - changed), (baseline + changed) / 2
    skewness2 = (1 - 2 * middle) ** 2 / (middle * (1 - middle))
    return _plan_mean(spread, effect, PER_SKEWNESS_OF_RATES * skewness2, variants, alpha)


def plan_mean(sd: float, effect: float, *, skewness: float = 0.0, variants: int = 2, alpha: float = 0.05) -> Forecast:
    """The forecast for a scalar key whose units have standard deviation `sd` and this skewness.

    n80 = (z_{1-a/2} + z_{.8})^2 2 sd^2 / effect^2. Raises ValueError unless sd is positive and the effect not 0.
    """
    if not (sd > 0 and isfinite(sd)):
        raise ValueError(f"sd must be positive, not {sd}")
    return _plan_mean(2 * sd * sd, effect, PER_SKEWNESS * skewness * skewness, variants, alpha)


def plan_preference(win_rate: float, *, ties: float = 0.0, variants: int = 2, alpha: float = 0.05) -> Forecast:
    """The forecast for preferences: `win_rate` among decisive comparisons of each pair, `ties` the share of the others.

    n80 = ((z_{1-a/2} / 2 + z_{.8} sqrt(theta (1 - theta))) / (theta - 1/2))^2 / (1 - ties) per pair. Raises ValueError
    for shares outside their range.
    """
    if not (0 < win_rate < 1 and win_rate != 0.5 and 0 <= ties < 1):
        raise ValueError(f"a win rate of {win_rate} with a tie share of {ties} cannot be planned for")
    pair_alpha = Plan(alpha=alpha).pair_alpha(variants)
    root = _quantile(1 - pair_alpha / 2) / 2 + _quantile(POWER) * sqrt(win_rate * (1 - win_rate))
    decisive, opponents = (root / (win_rate - 0.5)) ** 2, variants - 1
    drift = (_quantile(1 - pair_alpha / 2) + _quantile(POWER)) / sqrt(decisive)
    median, most = (_decided(share, drift, 1 / (2 * PRIOR), pair_alpha) for share in (0.5, POWER))
    scale = opponents / (1 - ties)
    return Forecast(
        fixed_horizon=ceil(decisive * scale),
        median=max(ceil(median * scale), FEWEST_COMPARISONS),
        for_80_percent=max(ceil(most * scale), FEWEST_COMPARISONS),
        warmup=FEWEST_COMPARISONS,
        max_feedbacks=max(ceil(CAP * decisive * scale), FEWEST_COMPARISONS),
        tuning=Plan().tuning,
    )


def _plan_mean(spread: float, effect: float, skewed: float, variants: int, alpha: float) -> Forecast:
    """`spread` is the variance of a difference of two single units, `skewed` the warm-up that skewness asks for."""
    if not effect or not isfinite(effect):
        raise ValueError(f"an effect of {effect} cannot be planned for")
    pair_alpha = Plan(alpha=alpha).pair_alpha(variants)
    quantiles = _quantile(1 - pair_alpha / 2) + _quantile(POWER)
    fixed = max(1.0, quantiles * quantiles * spread / effect / effect)  # no test is decided by less than one unit
    if not max(fixed, skewed) < MOST_UNITS:
        raise ValueError(f"an effect of {effect} is so small beside the spread that no test could find it")
    warmup = max(FEWEST_UNITS, ceil(skewed))
    tuning = min(max(fixed, LEAST_TUNING), MOST_TUNING)  # half of both variants' n80 together
    rho2, drift = mixing_variance(pair_alpha, tuning), quantiles / sqrt(2 * fixed)
    median, most = (ceil(_decided(share, drift, rho2, pair_alpha) / 2) for share in (0.5, POWER))
    return Forecast(
        fixed_horizon=ceil(fixed),
        median=max(median, warmup),
        for_80_percent=max(most, warmup),
        warmup=warmup,
        max_feedbacks=max(ceil(CAP * fixed), warmup),
        tuning=tuning,
    )


def _decided(share: float, drift: float, rho2: float, alpha: float) -> float:
    """The number of units after which this share of tests has crossed the boundary, if z drifts as drift sqrt(n)."""
    longest = 100 * (_quantile(1 - alpha / 2) / drift) ** 2
    return bisect(lambda n: _crossed(n, drift, rho2, alpha) - share, 0.0, longest)


def _crossed(n: float, drift: float, rho2: float, alpha: float) -> float:
    """The chance that Brownian motion with drift has crossed sqrt(n) critical_z, taken as its tangent at n, by n.

    Source: tangent approximation, Strassen 1967; the line is exact, Siegmund 1985, Sequential Analysis, eq. 3.15.
    """
    if n <= 0:
        return 0.0
    level = 2 * log(1 / alpha) + log1p(rho2 * n)
    height = sqrt((n + 1 / rho2) * level)
    slope = (level + 1) / (2 * height)
    start, excess = height - slope * n, drift - slope
    reflected = exp(min(2 * start * excess, 700.0)) * _phi(-(start + excess * n) / sqrt(n))
    return min(1.0, _phi((drift * n - height) / sqrt(n)) + reflected)


def _phi(x: float) -> float:
    return erfc(-x / sqrt(2)) / 2


def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)
