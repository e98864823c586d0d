"""The quantiles of Student's t distribution."""

from __future__ import annotations

import math
from statistics import NormalDist


def t_quantile(probability: float, freedom: int) -> float:
    """The point below which a t variable with `freedom` degrees of freedom lies with this probability.

    Expansion about the normal quantile, Abramowitz and Stegun 1964, 26.7.5: right to three digits from 8 degrees of
    freedom on for the levels used here, and too small below. Raises ValueError below 8.
    """
    if freedom < 8:
        raise ValueError(f"the expansion needs at least 8 degrees of freedom, not {freedom}")
    z = NormalDist().inv_cdf(probability)
    terms: tuple[float, ...] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / math.pow(freedom, power) for power, term in enumerate(terms, 1))
