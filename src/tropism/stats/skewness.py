"""Hall's transform: what skewness takes from a z-score."""

from __future__ import annotations

from math import cbrt, expm1, log1p

SYMMETRIC = 1e-12
"""Below this skewness the transform differs from the identity by less than its own rounding."""


def hall(t: float, skewness: float) -> float:
    """t + skew t^2 / 3 + skew^2 t^3 / 27 + skew / 6, which rises with t; skew is that of the estimate itself.

    Source: P. Hall 1992, On the removal of skewness by transformation, JRSS-B 54, 221-228.
    """
    if abs(skewness) < SYMMETRIC:
        return t
    v = skewness * t / 3
    return t * (1 + v + v * v / 3) + skewness / 6


def hall_inverse(x: float, skewness: float) -> float:
    """The t with hall(t) = x: (3 / skew) (cbrt(1 + skew (x - skew / 6)) - 1)."""
    if abs(skewness) < SYMMETRIC:
        return x
    y = skewness * (x - skewness / 6)
    return 3 / skewness * (expm1(log1p(y) / 3) if y > -0.5 else cbrt(1 + y) - 1)
