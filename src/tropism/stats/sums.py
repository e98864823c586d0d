"""What a variant's feedback is reduced to: sums over units that add up in any order and across replicas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum, isfinite
from typing import NamedTuple

LARGEST = 1e90
"""The largest |s| of a unit: its cube, added up over 10^30 units, is still a finite double."""


class Unit(NamedTuple):
    """One unit of analysis: a user, a session, or a single completion.

    `n` is the number of its feedbacks (at least 1), `s` the sum of (value - K), K being the test's reference point.
    """

    n: int
    s: float

    @classmethod
    def of(cls, values: Iterable[float], reference: float = 0.0) -> Unit:
        """The unit that gave these values. Raises ValueError if there are none, or if one is not a usable number."""
        shifted = [value - reference for value in values]
        if not all(isfinite(value) for value in shifted):
            raise ValueError("a feedback value must be a finite number")
        return checked(cls(len(shifted), fsum(shifted)))


def checked(unit: Unit) -> Unit:
    """The unit itself. Raises ValueError if it has no feedback, or a sum that is not finite or above `LARGEST`."""
    if unit.n < 1:
        raise ValueError(f"a unit needs at least one feedback, not {unit.n}")
    if not abs(unit.s) <= LARGEST:
        raise ValueError(f"the sum of a unit must lie within ±{LARGEST:g}, not {unit.s}")
    return unit


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the units of one variant: U, then n, s, and their products of second and third degree.

    With them one formula serves users with many feedbacks and single completions (n = 1 for all) alike. `+` merges
    replicas. A difference of two `Sums` (see `change`) may be added to a stored row field by field, by SQL too.
    The sums of a bool key are whole numbers, hence exact; others are right to the rounding of doubles.
    Source: third-order moments by power sums about a fixed point; Pébay 2008, SAND2008-6212, treats the merge.
    """

    units: int = 0
    n: int = 0
    s: float = 0.0
    nn: float = 0.0
    ns: float = 0.0
    ss: float = 0.0
    nnn: float = 0.0
    nns: float = 0.0
    nss: float = 0.0
    sss: float = 0.0

    def row(self) -> tuple[int, int, float, float, float, float, float, float, float, float]:
        """The fields in order, as they are stored."""
        return (self.units, self.n, self.s, self.nn, self.ns, self.ss, self.nnn, self.nns, self.nss, self.sss)

    @property
    def clustered(self) -> bool:
        """Whether some unit has more than one feedback."""
        return self.units != self.n

    @classmethod
    def of(cls, units: Iterable[Unit]) -> Sums:
        """The sums of all these units, each sum rounded once: how counters are rebuilt from the log."""
        rows = [cls.change(None, unit).row() for unit in units]
        if not rows:
            return cls()
        count, feedbacks, *products = zip(*rows, strict=True)
        return cls(sum(count), sum(feedbacks), *map(fsum, products))

    @classmethod
    def change(cls, old: Unit | None, new: Unit | None) -> Sums:
        """What to add when the unit `old` becomes `new`; None stands for no unit. Raises ValueError as `checked`."""
        return _powers(new) - _powers(old)

    def negated(self) -> Sums:
        """The sums of the same units with every value negated."""
        n, s = (self.nn, self.nnn), (-self.s, -self.ns, -self.nns, -self.sss)
        return Sums(self.units, self.n, s[0], n[0], s[1], self.ss, n[1], s[2], self.nss, s[3])

    def add(self, unit: Unit) -> Sums:
        """These sums with one unit more."""
        return self + self.change(None, unit)

    def remove(self, unit: Unit) -> Sums:
        """These sums without a unit that they hold."""
        return self + self.change(unit, None)

    def replace(self, old_unit: Unit | None, new_unit: Unit | None) -> Sums:
        """These sums after a unit changed: a feedback was added to it, overwritten or deleted."""
        return self + self.change(old_unit, new_unit)

    def keeps_digits(self, old_unit: Unit) -> bool:
        """Whether taking this unit out leaves at least ten good digits; if not, rebuild from the log instead.

        False if the unit carries nearly all of the sum of squares: a mistyped 1e9 among ones hides the digits of the
        ones, and subtracting it does not bring them back. Whole numbers (bool keys) never lose any.
        """
        exact = all(float(x).is_integer() and abs(x) < 2.0**53 for x in (*self.row(), old_unit.s))
        return exact or self.ss - old_unit.s**2 >= 1e-6 * old_unit.s**2

    def __add__(self, other: Sums) -> Sums:
        merged = self._plus(other, 1)
        return merged if merged.units or merged.n else Sums()

    def __sub__(self, other: Sums) -> Sums:
        return self._plus(other, -1)

    def _plus(self, other: Sums, sign: int) -> Sums:
        return Sums(
            self.units + sign * other.units,
            self.n + sign * other.n,
            self.s + sign * other.s,
            self.nn + sign * other.nn,
            self.ns + sign * other.ns,
            self.ss + sign * other.ss,
            self.nnn + sign * other.nnn,
            self.nns + sign * other.nns,
            self.nss + sign * other.nss,
            self.sss + sign * other.sss,
        )


def _powers(unit: Unit | None) -> Sums:
    if unit is None:
        return Sums()
    n, s = checked(unit)
    return Sums(1, n, s, n * n, n * s, s * s, n * n * n, n * n * s, n * s * s, s * s * s)
