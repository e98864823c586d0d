"""Scores of judged answers: the mean with its interval, and the difference of two models on the same samples.

All figures are those of a fixed sample: they hold when a job has ended, and are a preview while it runs. Scores lie
between 0 and 1, and samples are taken to be independent draws from what is spoken of. The interval of a difference
rests on the differences within samples, so that easy and hard samples cancel out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from tropism.stats.betting import betting_interval
from tropism.stats.gap import lower_end, mean_gap, upper_end
from tropism.stats.moments import moments
from tropism.stats.student import t_quantile
from tropism.stats.sums import Sums, Unit

Verdict = Literal["better", "worse", "undecided"]
ALPHA = 0.05
FEWEST_APART = 10
"""With fewer differences that are not the most frequent one (mostly zero), a variance says too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean of `n` values and the ends of its interval."""

    low: float
    mean: float
    high: float
    n: int

    @property
    def verdict(self) -> Verdict:
        """Of a difference: whether the interval leaves zero out, and on which side."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "undecided"


def mean_score(scores: Sequence[float], alpha: float = ALPHA) -> Estimate | None:
    """The mean of scores between 0 and 1 with its interval at level 1 - alpha; None without scores.

    The interval is `betting_interval`: it holds for every sample size and stays within 0 and 1. Its ends depend a
    little on the order of the scores; give them in the order of the samples.
    """
    if not scores:
        return None
    low, high = betting_interval(scores, alpha)
    mean = fsum(scores) / len(scores)
    return Estimate(low=min(low, mean), mean=mean, high=max(high, mean), n=len(scores))


def paired_difference(
    mine: Sequence[float], others: Sequence[float], alpha: float = ALPHA, comparisons: int = 1
) -> Estimate | None:
    """mine - others, sample by sample, with its interval; None without pairs.

    Where at least ten differences are not the most frequent one (which is mostly zero): Student's t of the differences,
    widened by Hall's transform where they are skewed (`gap.py`). Where fewer are, a variance would be a guess, and the
    interval is `betting_interval` of the differences brought into [0, 1]: wide, but valid. Simulated with 50 samples,
    5 % of the intervals or fewer miss the truth, for normal, bool, rare and skewed differences
    (tests/evaluation/test_figures.py). A rare large difference can be missed by a sample of 20 or fewer.

    With several `comparisons`, each interval is at level 1 - alpha / comparisons, so that all of them hold together
    with probability 1 - alpha (Bonferroni). Raises ValueError if the two are not of one length.
    """
    differences = [a - b for a, b in zip(mine, others, strict=True)]
    if not differences:
        return None
    mean, level = fsum(differences) / len(differences), alpha / comparisons
    few = len(differences) - max(Counter(differences).values()) < FEWEST_APART
    low, high = _by_betting(differences, level) if few else _by_variance(differences, level)
    low, high = max(-1.0, min(low, mean)), min(1.0, max(high, mean))
    return Estimate(low=low, mean=mean, high=high, n=len(differences))


def _by_betting(differences: Sequence[float], alpha: float) -> tuple[float, float]:
    low, high = betting_interval([(1 + difference) / 2 for difference in differences], alpha)
    return 2 * low - 1, 2 * high - 1


def _by_variance(differences: Sequence[float], alpha: float) -> tuple[float, float]:
    found = moments(Sums.of(Unit(1, difference) for difference in differences))
    gap, critical = mean_gap(found, found), t_quantile(1 - alpha / 2, len(differences) - 1)
    return lower_end(gap, critical), upper_end(gap, critical)
