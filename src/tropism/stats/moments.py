"""Mean, variance and skewness of a variant, read from its sums."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from tropism.stats.sums import Sums

EPSILON = 2.0**-52


@dataclass(frozen=True, slots=True)
class Moments:
    """A variant in the terms of the formulas, "higher is better" once `flipped` where needed.

    `mean` is that of (value - K). `m2` and `m3` are the sums over units of r^2 and r^3, r being the residual of a unit.
    `varies` is False if m2 is nothing but rounding; m2 is then the largest value that rounding can hide. m3 is 0 if it
    is nothing but rounding, of which `rounding3` is the most there can be.
    """

    units: int
    mean: float
    m2: float
    m3: float
    varies: bool
    rounding3: float = 0.0

    @property
    def error2(self) -> float:
        """The squared standard error of the mean, with n - 1. Infinite below two units."""
        return self.m2 / (self.units - 1) / self.units if self.units > 1 else float("inf")

    @property
    def skewness2(self) -> float:
        """The squared skewness n m3^2 / m2^3; 0 if nothing varies."""
        if not self.varies:
            return 0.0
        return self._standard(self.m3) ** 2

    @property
    def digits_lost(self) -> bool:
        """Whether values so far from K left rounding for a variance, or a skewness unsure by 0.1 or more."""
        return self._standard(self.rounding3) > 0.1 if self.varies else self.m2 > 0

    def _standard(self, third: float) -> float:
        sd = sqrt(self.m2 / self.units) if self.units else 0.0
        return third / self.units / sd / sd / sd if sd else 0.0

    def flipped(self) -> Moments:
        """The moments of -value."""
        return Moments(self.units, -self.mean, self.m2, -self.m3, self.varies, self.rounding3)


def moments(sums: Sums) -> Moments:
    """The moments of a variant: ratio mean R = sum s / sum n, with linearised residuals r = (s - R n) / (n / U).

    With one feedback per unit these are the plain mean and central moments. m2 never falls below what rounding can
    hide when a value lies far from K, so that lost digits make the evidence weaker, never stronger.
    Source: ratio estimator and its linearisation, Cochran 1977, Sampling Techniques, 6.3; Deng, Lu, Litz 2017 use it
    for metrics of a user's many events.
    """
    if not sums.units:
        return Moments(0, 0.0, 0.0, 0.0, False)
    ratio, per_unit = sums.s / sums.n, sums.n / sums.units
    m2, rounding2 = _second(sums, ratio)
    m3, rounding3 = _third(sums, ratio)
    m2, rounding2 = m2 / per_unit / per_unit, rounding2 / per_unit / per_unit
    m3, rounding3 = m3 / per_unit / per_unit / per_unit, rounding3 / per_unit / per_unit / per_unit
    m3 = m3 if abs(m3) > rounding3 else 0.0
    return Moments(sums.units, ratio, max(m2, rounding2), m3, m2 > rounding2, rounding3)


def _second(sums: Sums, ratio: float) -> tuple[float, float]:
    a, b, c = sums.ss, -2 * ratio * sums.ns, ratio * ratio * sums.nn
    return a + b + c, (a + abs(b) + c) * EPSILON * sums.units


def _third(sums: Sums, ratio: float) -> tuple[float, float]:
    terms = (
        sums.sss,
        -3 * ratio * sums.nss,
        3 * ratio * ratio * sums.nns,
        -ratio * ratio * ratio * sums.nnn,
    )
    return sum(terms), sum(map(abs, terms)) * EPSILON * sums.units
