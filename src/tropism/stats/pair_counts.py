"""Counts of comparisons between two variants, and the exact test of "neither is preferred" on them."""

from __future__ import annotations

from dataclasses import dataclass

from tropism.stats.beta import log_e_share, share_interval
from tropism.stats.contrast import Contrast, agreeing
from tropism.stats.mixture import p_value

PRIOR = 10.0
"""Beta(10, 10): the mixture that decides soonest for win rates of .55 to .65 (benchmarks/ab_validity)."""
TIE_PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Comparisons of one variant with another: won, lost, tied with both good, tied with both bad.

    `+` merges replicas. Comparisons of a variant with itself do not belong here. Raises ValueError below zero.
    """

    wins: int = 0
    losses: int = 0
    ties_good: int = 0
    ties_bad: int = 0

    def __post_init__(self) -> None:
        if min(self.wins, self.losses, self.ties_good, self.ties_bad) < 0:
            raise ValueError(f"counts cannot be negative: {self}")

    def __add__(self, other: PairCounts) -> PairCounts:
        return PairCounts(
            self.wins + other.wins,
            self.losses + other.losses,
            self.ties_good + other.ties_good,
            self.ties_bad + other.ties_bad,
        )

    def flipped(self) -> PairCounts:
        """The same comparisons seen from the other variant."""
        return PairCounts(self.losses, self.wins, self.ties_good, self.ties_bad)

    @property
    def decisive(self) -> int:
        """Comparisons that were not tied."""
        return self.wins + self.losses

    @property
    def ties(self) -> int:
        """Tied comparisons, good or bad: neutral for the decision."""
        return self.ties_good + self.ties_bad

    @property
    def total(self) -> int:
        """All comparisons."""
        return self.decisive + self.ties


def win_contrast(counts: PairCounts, alpha: float, corrections: float) -> Contrast:
    """Win rate with ties as one half, minus one half: its interval, and the exact p of "wins are as likely as losses".

    The p-value is multiplied by `corrections` (k / 2), and the interval has level 1 - alpha / corrections.

    The p-value ignores ties: under the null a decisive comparison is a fair coin, whatever decides which are shown.
    The interval is (share of decisive comparisons) x (theta - 1/2), theta being the win rate among decisive ones: the
    outermost product of two confidence sequences, so that a few comparisons, all tied, do not look like certainty.
    """
    p = p_value(log_e_share(counts.wins, counts.losses, 0.5, PRIOR), corrections)
    low, high = share_interval(counts.wins, counts.losses, alpha / corrections, PRIOR)
    few, many = share_interval(counts.decisive, counts.ties, alpha / corrections, TIE_PRIOR)
    middle = (counts.wins - counts.losses) / counts.total / 2 if counts.total else 0.0
    return agreeing(_least(low - 0.5, few, many), middle, -_least(0.5 - high, few, many), p, alpha)


def _least(advantage: float, few: float, many: float) -> float:
    return advantage * (many if advantage < 0 else few)
