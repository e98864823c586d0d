"""The difference between two means: its z-score and its interval, with the guards against rare events and skewness."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, inf, sqrt

from tropism.stats.moments import Moments
from tropism.stats.skewness import hall, hall_inverse


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of two means, the two standard errors of it, its skewness, and its information in units."""

    difference: float
    welch: float
    pooled: float
    skewness: float
    information: float


def gap(mine: Moments, other: Moments, merged: Moments, spare: Moments) -> Gap:
    """mine - other. `merged` are the moments of both together, `spare` those of the whole test.

    Two standard errors guard each other: Welch's uses each variant's own variance; the pooled one, which includes the
    spread between the two, cannot be zero because a variant has seen no rare event yet. `spare` stands in for the
    pooled one if the two are constant and equal. Information is n_1 + n_2 at an equal split, less otherwise.
    """
    welch = sqrt(mine.error2 + other.error2)
    source = merged if merged.varies else spare
    inverse = 1 / mine.units + 1 / other.units
    pooled = sqrt(source.m2 / source.units * inverse)
    return Gap(mine.mean - other.mean, welch, pooled, _skewness(mine, other, welch), 4 / inverse)


def _skewness(mine: Moments, other: Moments, welch: float) -> float:
    if not 0 < welch < inf:
        return 0.0
    return (_third(mine) - _third(other)) / welch / welch / welch


def _third(variant: Moments) -> float:
    return variant.m3 / variant.units / variant.units / variant.units


def z_score(value: Gap, null: float = 0.0) -> float:
    """The weakest of three z-scores of `difference - null`: Welch, pooled, and Welch after Hall's transform.

    0 if the transform changes the sign. Our combination, justified by simulation (benchmarks/ab_validity), which only
    ever weakens the evidence.
    """
    distance = value.difference - null
    if distance == 0:
        return 0.0
    scores = [distance / value.pooled] if value.pooled else []
    if value.welch:
        t = distance / value.welch
        scores += [t, hall(t, value.skewness)]
    sign = copysign(1.0, distance)
    return sign * max(0.0, min((sign * score for score in scores), default=0.0))


def skewness_weakens(value: Gap) -> bool:
    """Whether Hall's transform, rather than a standard error, sets the z-score, by more than a thousandth."""
    if not value.welch:
        return False
    t = value.difference / value.welch
    plain = min(abs(t), abs(value.difference / value.pooled) if value.pooled else inf)
    return abs(z_score(value)) < plain * (1 - 1e-3)


def lower_end(value: Gap, critical: float) -> float:
    """The largest null below the difference whose z-score reaches `critical`: z_score(.., lower_end) = critical."""
    reach = max(critical * value.welch, critical * value.pooled, value.welch * hall_inverse(critical, value.skewness))
    return value.difference - reach


def upper_end(value: Gap, critical: float) -> float:
    """The smallest null above the difference whose z-score reaches `-critical`."""
    reach = max(critical * value.welch, critical * value.pooled, -value.welch * hall_inverse(-critical, value.skewness))
    return value.difference + reach


def mean_gap(variant: Moments, spare: Moments) -> Gap:
    """A single mean as a gap to zero; the variance of the whole test stands in if the variant is constant."""
    error2 = variant.error2 if variant.varies else max(variant.error2, spare.m2 / spare.units / variant.units)
    error = sqrt(error2)
    third = _third(variant) / error / error / error if 0 < error < inf else 0.0
    return Gap(variant.mean, error, error, third, float(variant.units))
