"""One variant against another as the decision sees it: an advantage with its interval and p, which always agree."""

from __future__ import annotations

from dataclasses import dataclass
from math import nextafter


@dataclass(frozen=True, slots=True)
class Contrast:
    """The advantage of one variant over another; above 0 is better, whatever the scoring type."""

    low: float
    middle: float
    high: float
    p: float

    def flipped(self) -> Contrast:
        """The advantage of the other one."""
        return Contrast(-self.high, -self.middle, -self.low, self.p)

    @property
    def p_better(self) -> float:
        """The p-value for "better": p if the advantage points that way, else 1."""
        return self.p if self.middle > 0 else 1.0


def agreeing(low: float, middle: float, high: float, p: float, alpha: float) -> Contrast:
    """The contrast with its ends made to agree with p <= alpha.

    They agree by construction; only the rounding of the last bits can put an end on the wrong side of zero.
    """
    low, high = against(0.0, low, middle, high, p <= alpha)
    return Contrast(low, middle, high, p)


def against(null: float, low: float, middle: float, high: float, decided: bool) -> tuple[float, float]:
    """The ends (low, high), moved by the least that makes them exclude `null` if decided, include it if not."""
    if not decided:
        return min(low, null), max(high, null)
    if middle > null:
        return max(low, nextafter(null, 1)), high
    return low, min(high, nextafter(null, -1))
