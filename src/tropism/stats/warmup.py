"""How many units a metric test needs before its figures may be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import ceil

from tropism.stats.moments import moments
from tropism.stats.sums import Sums

FEWEST_UNITS = 50
PER_SKEWNESS = 20
PER_SKEWNESS_OF_RATES = 5
FEWEST_COMPARISONS = 20


def units_needed(variants: Sequence[Sums], rates: bool) -> int:
    """Units per variant: max(50, 20 x squared skewness), of the most skewed variant or of all of them together.

    `rates`: the units are single bool values. Then 5 times that of the most skewed pair will do, about five expected
    successes and failures each: rates that are equal come from the same law, means that are equal may come from unequal
    tails. Our rule, set by simulation (benchmarks/ab_validity); that the error rate tends to alpha as the start is
    delayed is shown by Bibaut, Kallus, Lindon, arXiv 2212.14411.
    """
    pairs = [one + other for one, other in combinations(variants, 2)]
    watched = pairs if rates else [*variants, sum(variants, Sums())]
    skewness2 = max(moments(each).skewness2 for each in watched)
    return max(FEWEST_UNITS, ceil((PER_SKEWNESS_OF_RATES if rates else PER_SKEWNESS) * skewness2))


def has_enough(variants: Sequence[Sums], rates: bool) -> bool:
    """Whether every variant has the units needed, and anything varies at all."""
    needed = units_needed(variants, rates)
    return moments(sum(variants, Sums())).varies and all(variant.units >= needed for variant in variants)
