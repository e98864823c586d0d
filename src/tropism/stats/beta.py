"""Exact evidence and intervals for shares: beta-binomial e-values, valid at every look and for every sample size.

For each theta, e(theta) = B(a + s, a + f) / B(a, a) / (theta^s (1 - theta)^f) is a martingale that starts at 1 when
successes come with probability theta: the likelihood under a Beta(a, a) mixture over that under theta.
Sources: Ville 1939; Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021, Ann. Stat. 49 (beta-binomial mixture).
"""

from __future__ import annotations

from math import inf, lgamma, log

from tropism.stats.root import bisect


def log_beta(a: float, b: float) -> float:
    """ln B(a, b)."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def log_mixture(successes: float, failures: float, prior: float) -> float:
    """ln of the mixed likelihood, B(prior + s, prior + f) / B(prior, prior)."""
    return log_beta(prior + successes, prior + failures) - log_beta(prior, prior)


def log_e_share(successes: float, failures: float, theta: float, prior: float) -> float:
    """ln e of these counts against the share `theta`. Infinite where theta makes them impossible."""
    return log_mixture(successes, failures, prior) - _log_power(theta, successes) - _log_power(1 - theta, failures)


def share_interval(successes: float, failures: float, alpha: float, prior: float) -> tuple[float, float]:
    """The shares theta with e(theta) < 1 / alpha: a confidence sequence at level 1 - alpha. (0, 1) without counts."""
    total = successes + failures
    if total <= 0:
        return 0.0, 1.0
    middle, bar = successes / total, log_mixture(successes, failures, prior) - log(1 / alpha)

    def inside(theta: float) -> float:
        return _log_power(theta, successes) + _log_power(1 - theta, failures) - bar

    low = bisect(inside, 0.0, middle)
    high = 1 - bisect(lambda rest: inside(1 - rest), 0.0, 1 - middle)
    return low, high


def _log_power(base: float, exponent: float) -> float:
    if exponent == 0:
        return 0.0
    return exponent * log(base) if base > 0 else -inf
