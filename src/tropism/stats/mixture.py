"""The normal-mixture e-value: evidence against "no difference" that may be looked at after every feedback.

Under the null the e-value is (asymptotically) a martingale that starts at 1, so it ever reaches 1/alpha with
probability at most alpha: p = 1/e is valid at every look, and its inversion is an interval valid at every look.
Sources: Robbins 1970, Ann. Math. Stat. 41; Johari, Koomen, Pekelis, Walsh 2022, Oper. Res. 70 (mSPRT); Howard, Ramdas,
McAuliffe, Sekhon 2021, Ann. Stat. 49, eq. 14; Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, Ann. Stat. 52(6).
"""

from __future__ import annotations

from math import erfc, exp, inf, log, log1p, sqrt

from tropism.stats.root import bisect


def mixing_variance(alpha: float, tuning: float) -> float:
    """rho^2 per unit: the mixture for which the boundary at level alpha is tightest after `tuning` units.

    Source: Waudby-Smith et al. 2024 (arXiv 2103.06476v7, eq. 161), the first-order solution of their optimum.
    """
    return (-2 * log(alpha) + log(-2 * log(alpha)) + 1) / tuning


def log_e(z: float, kappa: float) -> float:
    """ln e of a z-score, two-sided. kappa = rho^2 times the information in units; 0 or more."""
    return z * z / 2 * kappa / (1 + kappa) - log1p(kappa) / 2


def critical_z(alpha: float, kappa: float) -> float:
    """The |z| from which p <= alpha: the solution of log_e(z, kappa) = ln 1/alpha."""
    return sqrt((1 + kappa) / kappa * (2 * log(1 / alpha) + log1p(kappa))) if kappa > 0 else inf


def log_e_above(z: float, kappa: float) -> float:
    """ln e of a z-score against "not above zero": the mixture over positive effects only (half normal)."""
    if z <= 0:
        return -log1p(kappa) / 2
    share = erfc(-z * sqrt(kappa / (1 + kappa) / 2))  # 2 Phi(z sqrt(kappa / (1 + kappa)))
    return log_e(z, kappa) + log(share)


def critical_z_above(alpha: float, kappa: float) -> float:
    """The z from which the one-sided p <= alpha."""
    high = critical_z(alpha, kappa)  # the factor 2 Phi >= 1 only lowers the bar
    return bisect(lambda z: log_e_above(z, kappa) - log(1 / alpha), 0.0, high) if high < inf else inf


def p_value(log_e_value: float, corrections: float = 1.0) -> float:
    """min(1, corrections / e)."""
    return min(1.0, corrections * exp(-log_e_value)) if log_e_value > 0 else 1.0
