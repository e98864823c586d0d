"""The formulas of `tropism.stats` written once more for arrays: one element per simulated test and look.

`check.py` compares them with `tropism.stats` itself on random states before any table is made.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import combinations
from math import log

import numpy as np
from numpy.typing import NDArray

from tropism.stats import Plan
from tropism.stats.mixture import mixing_variance
from tropism.stats.warmup import FEWEST_UNITS, PER_SKEWNESS, PER_SKEWNESS_OF_RATES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
EPSILON = 2.0**-52


@dataclass(frozen=True, slots=True)
class BatchSums:
    """`Sums`, each field an array."""

    units: Floats
    n: Floats
    s: Floats
    nn: Floats
    ns: Floats
    ss: Floats
    nnn: Floats
    nns: Floats
    nss: Floats
    sss: Floats

    @classmethod
    def single(cls, n: Floats, s: Floats, ss: Floats, sss: Floats) -> BatchSums:
        """Sums of single completions."""
        return cls(n, n, s, n, s, ss, n, s, ss, sss)

    @property
    def is_single(self) -> bool:
        """Whether the units are single completions."""
        return self.nn is self.n

    def __add__(self, other: BatchSums) -> BatchSums:
        if self.is_single and other.is_single:
            ss = self.ss + other.ss
            return BatchSums.single(self.n + other.n, self.s + other.s, ss, self.sss + other.sss)
        return BatchSums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __getitem__(self, chosen: Flags) -> BatchSums:
        if self.is_single:
            return BatchSums.single(self.n[chosen], self.s[chosen], self.ss[chosen], self.sss[chosen])
        return BatchSums(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class BatchMoments:
    """`Moments`, each field an array."""

    units: Floats
    mean: Floats
    m2: Floats
    m3: Floats
    varies: Flags

    @property
    def error2(self) -> Floats:
        return self.m2 / np.maximum(self.units - 1, 1e-300) / self.units

    @property
    def skewness2(self) -> Floats:
        m2 = np.where(self.varies, self.m2, 1.0)
        return np.where(self.varies, self.units * self.m3 * self.m3 / (m2 * m2 * m2), 0.0)


def moments(sums: BatchSums) -> BatchMoments:
    units, n = np.maximum(sums.units, 1), np.maximum(sums.n, 1)
    ratio, per_unit = sums.s / n, n / units
    r2, r3 = ratio * ratio, ratio * ratio * ratio
    a, b, c = sums.ss, -2 * ratio * sums.ns, r2 * sums.nn
    m2, rounding2 = a + b + c, (a + np.abs(b) + c) * EPSILON * units
    terms = (sums.sss, -3 * ratio * sums.nss, 3 * r2 * sums.nns, -r3 * sums.nnn)
    m3, rounding3 = sum(terms, np.zeros_like(ratio)), EPSILON * units * sum(map(np.abs, terms), np.zeros_like(ratio))
    m3 = np.where(np.abs(m3) > rounding3, m3, 0.0) / (per_unit * per_unit * per_unit)
    return BatchMoments(sums.units, ratio, np.maximum(m2, rounding2) / (per_unit * per_unit), m3, m2 > rounding2)


def has_enough(variants: list[BatchSums], rates: bool) -> Flags:
    merged = sum(variants[1:], variants[0])
    pairs = [one + other for one, other in combinations(variants, 2)] if len(variants) > 2 else [merged]
    watched = [moments(sums).skewness2 for sums in (pairs if rates else [*variants, merged])]
    skewness2 = np.maximum.reduce(watched)
    needed = np.maximum(FEWEST_UNITS, np.ceil((PER_SKEWNESS_OF_RATES if rates else PER_SKEWNESS) * skewness2))
    fewest = np.minimum.reduce([sums.units for sums in variants])
    return np.asarray(moments(merged).varies & (fewest >= needed))


def hall(t: Floats, skewness: Floats) -> Floats:
    v = skewness * t / 3
    return t * (1 + v + v * v / 3) + skewness / 6


@dataclass(frozen=True, slots=True)
class BatchGap:
    """`Gap`, each field an array; a standard error of zero takes no part."""

    difference: Floats
    welch: Floats
    pooled: Floats
    skewness: Floats
    information: Floats

    def z_score(self, null: float = 0.0) -> Floats:
        distance = np.abs(self.difference - null)
        sign = np.where(self.difference < null, -1.0, 1.0)
        welch, pooled = np.where(self.welch > 0, self.welch, 1.0), np.where(self.pooled > 0, self.pooled, 1.0)
        t = np.where(self.welch > 0, distance / welch, np.inf)
        score = np.minimum(t, np.where(self.pooled > 0, distance / pooled, np.inf))
        transformed = hall(np.where(np.isfinite(t), t, 0.0), sign * self.skewness)
        score = np.minimum(score, np.where(self.welch > 0, transformed, np.inf))
        return np.where(distance > 0, sign * np.maximum(score, 0.0), 0.0)


def gap(mine: BatchMoments, other: BatchMoments, merged: BatchMoments) -> BatchGap:
    """Without the stand-in for two equal constants, which no law here draws."""
    inverse = 1 / mine.units + 1 / other.units
    welch = np.sqrt(mine.error2 + other.error2)
    third, width = _third(mine) - _third(other), np.where(welch > 0, welch, 1.0)
    skewness = np.where(welch > 0, third / (width * width * width), 0.0)
    return BatchGap(mine.mean - other.mean, welch, np.sqrt(merged.m2 / merged.units * inverse), skewness, 4 / inverse)


def mean_gap(variant: BatchMoments) -> BatchGap:
    """Of a variant that varies."""
    error = np.sqrt(variant.error2)
    width = np.where(error > 0, error, 1.0)
    third = np.where(error > 0, _third(variant) / (width * width * width), 0.0)
    return BatchGap(variant.mean, error, error, third, variant.units)


def _third(variant: BatchMoments) -> Floats:
    return variant.m3 / (variant.units * variant.units * variant.units)


def critical_z(alpha: float, tuning: float, information: Floats) -> Floats:
    kappa = mixing_variance(alpha, tuning) * information
    return np.sqrt((1 + kappa) / kappa * (2 * log(1 / alpha) + np.log1p(kappa)))


def winners(variants: list[BatchSums], plan: Plan) -> NDArray[np.int64]:
    """The index of the winner that the report names at each look, -1 for none.

    The full formulas are worked out only where the pooled z-score of some pair, which no guard exceeds, is critical.
    """
    winner = np.full(variants[0].units.shape, -1, dtype=np.int64)
    chosen = _candidates(variants, plan)
    if chosen.any():
        winner[chosen] = _winners([sums[chosen] for sums in variants], plan)
    return winner


def _candidates(variants: list[BatchSums], plan: Plan) -> Flags:
    alpha = plan.pair_alpha(len(variants))
    chosen = np.zeros(variants[0].units.shape, dtype=np.bool_)
    for i in range(len(variants)):
        for j in range(i):
            mine, other, both = variants[i], variants[j], variants[i] + variants[j]
            if not both.is_single:
                return np.ones_like(chosen)
            inverse = 1 / mine.n + 1 / other.n
            distance, pooled2 = mine.s / mine.n - other.s / other.n, (both.ss - both.s / both.n * both.s) / both.n
            critical = critical_z(alpha, plan.tuning, 4 / inverse)
            far = distance * distance >= critical * critical * pooled2 * inverse * (1 - 1e-9)
            chosen |= far & (np.minimum(mine.n, other.n) >= FEWEST_UNITS)
    return chosen


def _winners(variants: list[BatchSums], plan: Plan) -> NDArray[np.int64]:
    each = [moments(sums) for sums in variants]
    enough = has_enough(variants, plan.kind == "bool" and variants[0].is_single)
    alpha = plan.pair_alpha(len(variants))
    wins = [np.array(enough) for _ in variants]
    for i in range(len(variants)):
        for j in range(i):
            value = gap(each[i], each[j], moments(variants[i] + variants[j]))
            z = value.z_score()
            critical = critical_z(alpha, plan.tuning, value.information)
            wins[i] &= z >= critical
            wins[j] &= z <= -critical
    winner = np.full(enough.shape, -1, dtype=np.int64)
    for i, won in enumerate(wins):
        winner[won] = i
    return winner
