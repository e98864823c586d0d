"""How many units a metric test needs before its figures may be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from tropism.stats.moments import Moments

FEWEST_UNITS = 50
PER_SKEWNESS = 20
FEWEST_COMPARISONS = 20


def units_needed(variants: Sequence[Moments], merged: Moments) -> int:
    """Units per variant: max(50, 20 x squared skewness), of the most skewed variant or of all of them together.

    For a rate p that is about 20 expected successes and failures each. Our rule, set by simulation; that the error rate
    tends to alpha as the start is delayed is shown by Bibaut, Kallus, Lindon, arXiv 2212.14411.
    """
    return max(FEWEST_UNITS, ceil(PER_SKEWNESS * max(each.skewness2 for each in (*variants, merged))))


def has_enough(variants: Sequence[Moments], merged: Moments) -> bool:
    """Whether every variant has the units needed, and anything varies at all."""
    needed = units_needed(variants, merged)
    return merged.varies and all(variant.units >= needed for variant in variants)
