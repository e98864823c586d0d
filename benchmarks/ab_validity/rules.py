"""The rules under comparison: each names a winner, or -1, at every look of every simulated test.

All but ours are re-implemented here from what their users are told or from public code; they are rules, not products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity.batch import BatchSums, Flags, Floats, winners
from tropism.stats import Plan

Winners = NDArray[np.int64]
FEWEST = 10
"""No rule is asked before every variant has ten feedbacks."""
FLOOR = 1e-12
"""The least variance that the rule of track-and-stop assumes."""


@dataclass(frozen=True)
class Seen:
    """The sums of every variant at some looks, and the plain figures that the peers' rules read off them."""

    variants: list[BatchSums]
    is_bool: bool

    @cached_property
    def means(self) -> list[Floats]:
        return [sums.s / sums.n for sums in self.variants]

    @cached_property
    def errors2(self) -> list[Floats]:
        """Squared standard errors of the means."""
        pairs = zip(self.variants, self.means, strict=True)
        return [np.maximum((x.ss - mean * x.s) / (x.n - 1), FLOOR) / x.n for x, mean in pairs]

    @cached_property
    def enough(self) -> Flags:
        fewest = self.variants[0].n
        for sums in self.variants[1:]:
            fewest = np.minimum(fewest, sums.n)
        return fewest >= FEWEST

    @cached_property
    def total(self) -> Floats:
        return sum((sums.n for sums in self.variants[1:]), self.variants[0].n)

    @cached_property
    def z_of_two(self) -> Floats:
        """Welch's z-score of the second against the first."""
        return self.z(1, 0)

    def z(self, i: int, j: int) -> Floats:
        return np.asarray((self.means[i] - self.means[j]) / np.sqrt(self.errors2[i] + self.errors2[j]))


Rule = Callable[[Seen], Winners]


def ours(plan: Plan) -> Rule:
    return partial(_ours, plan=plan)


def _ours(seen: Seen, plan: Plan) -> Winners:
    return winners(seen.variants, plan)


def t_test(seen: Seen) -> Winners:
    """p < .05 by the normal quantile; of more than two variants, any against the first."""
    found = np.full(seen.total.shape, -1, dtype=np.int64)
    for i in range(1, len(seen.variants)):
        z = seen.z_of_two if i == 1 else seen.z(i, 0)
        found[(z > 1.96) & (found < 0)] = i
        found[(z < -1.96) & (found < 0)] = 0
    return np.where(seen.enough, found, -1)


def bayes(seen: Seen) -> Winners:
    """The chance of one of two being better exceeds .95, under a flat prior (for rates: Beta(1, 1) by its moments)."""
    z = seen.z_of_two
    if seen.is_bool:
        means = [(sums.s + 1) / (sums.n + 2) for sums in seen.variants]
        errors2 = [m * (1 - m) / (sums.n + 3) for m, sums in zip(means, seen.variants, strict=True)]
        z = (means[1] - means[0]) / np.sqrt(errors2[0] + errors2[1])
    return np.where(seen.enough, np.where(z > 1.645, 1, np.where(z < -1.645, 0, -1)), -1)


def track_and_stop(seen: Seen) -> Winners:
    """min over the others of d^2 / (2 se^2) > ln((1 + ln t) / .05): the stopping rule of TensorZero's track-and-stop.

    Source: its tensorzero-core/src/experimentation/track_and_stop/check_stopping.rs, with its defaults.
    """
    bar = np.sqrt(2 * np.log((1 + np.log(seen.total)) / 0.05))
    found = np.full(seen.total.shape, -1, dtype=np.int64)
    if len(seen.variants) == 2:
        found[seen.enough & (seen.z_of_two > bar)] = 1
        found[seen.enough & (seen.z_of_two < -bar)] = 0
        return found
    for i in range(len(seen.variants)):
        beats = seen.enough.copy()
        for j in range(len(seen.variants)):
            if j != i:
                beats &= seen.z(i, j) > bar
        found[beats] = i
    return found
