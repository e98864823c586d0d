"""How many units a metric test needs before its figures may be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from tropism.stats.moments import Moments

FEWEST_UNITS = 50
PER_SKEWNESS = 20
PER_SKEWNESS_OF_RATES = 5
FEWEST_COMPARISONS = 20


def units_needed(variants: Sequence[Moments], merged: Moments, rates: bool) -> int:
    """Units per variant: max(50, 20 x squared skewness), of the most skewed variant or of all of them together.

    `rates`: the units are single bool values. Then 5 instead of 20 will do, about five expected successes and failures
    each, since rates that are equal come from the same law; means that are equal may come from unequal tails.
    Our rule, set by simulation (benchmarks/ab_validity); that the error rate tends to alpha as the start is delayed is
    shown by Bibaut, Kallus, Lindon, arXiv 2212.14411.
    """
    skewness2 = max(each.skewness2 for each in (*variants, merged))
    return max(FEWEST_UNITS, ceil((PER_SKEWNESS_OF_RATES if rates else PER_SKEWNESS) * skewness2))


def has_enough(variants: Sequence[Moments], merged: Moments, rates: bool) -> bool:
    """Whether every variant has the units needed, and anything varies at all."""
    needed = units_needed(variants, merged, rates)
    return merged.varies and all(variant.units >= needed for variant in variants)
