"""The sample-ratio alarm: how often it goes off where nothing is wrong, and how soon where a variant loses users."""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import TESTS, Endings
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import sample_ratio
from tropism.stats.sample_ratio import ALARM, CONCENTRATION

LOOKS = 500
LOST = 0.05
SPLITS: dict[str, tuple[float, ...]] = {
    "50 % / 50 %": (0.5, 0.5),
    "90 % / 10 %": (0.9, 0.1),
    "a third each": (1 / 3, 1 / 3, 1 / 3),
}
Counts = NDArray[np.int64]


def split(size: Size, seed: int, goals: Goals) -> str:
    rows, total, tests = [], 5 * size.feedbacks, -(-(size.pairs // 2) // TESTS) * TESTS
    for name, shares in SPLITS.items():
        rule = Rule(shares, total)
        rule.check(seed)
        false = _run(rule, shares, total, tests, seed + 15)
        hits = int(np.sum(false.looks > 0))
        goals.rate("false alarms of the split, %", hits, tests, 1, name)
        losing = [*shares[:-1], shares[-1] * (1 - LOST)]
        found = _run(rule, [each / sum(losing) for each in losing], total, tests, seed + 16)
        rows.append([name, rate(hits, tests), rate(int(np.sum(found.looks > 0)), tests), _median(found)])
    return markdown(
        "Alarms of the sample ratio, % of tests",
        ["planned split", "nothing wrong", "the last variant loses 5 %", "users until that alarm, median"],
        rows,
        f"{total:,} users per test, {tests:,} tests per cell, a look after every user; the alarm goes off at e = "
        f"{ALARM:g}, so in at most 1 % of sound tests.",
    )


class Rule:
    """The e-value of `sample_ratio` from tables of ln gamma."""

    def __init__(self, shares: Sequence[float], total: int) -> None:
        self.shares = shares
        self.each = [_table(CONCENTRATION * share, total) for share in shares]
        self.all = _table(CONCENTRATION, total)

    def log_e(self, counts: Sequence[Counts]) -> NDArray[np.float64]:
        value = -self.all[sum(counts[1:], counts[0])]
        for count, share, table in zip(counts, self.shares, self.each, strict=True):
            value = value + table[count] - count * log(share)
        return np.asarray(value)

    def check(self, seed: int) -> None:
        """Compare with the function that the engine calls."""
        random = np.random.default_rng(seed)
        for _ in range(200):
            counts = [int(random.poisson(2_000 * share)) for share in self.shares]
            alarm = bool(self.log_e([np.array([count]) for count in counts])[0] >= log(ALARM))
            assert alarm == sample_ratio(counts, self.shares).alarm, counts


def _table(start: float, total: int) -> NDArray[np.float64]:
    return np.array([lgamma(start + n) - lgamma(start) for n in range(total + 1)])


def _run(rule: Rule, truth: Sequence[float], total: int, tests: int, seed: int) -> Endings:
    endings, ends = Endings.none(0), np.cumsum(truth)[:-1]
    for part in np.random.SeedSequence(seed).spawn(-(-tests // TESTS)):
        random, group = np.random.default_rng(part), Endings.none(TESTS)
        carry = [np.zeros((TESTS, 1), dtype=np.int64) for _ in truth]
        for first in range(1, total + 1, LOOKS):
            drawn = np.searchsorted(ends, random.random((TESTS, LOOKS)), side="right")
            counts = [np.cumsum(drawn == i, axis=1) + before for i, before in enumerate(carry)]
            carry = [count[:, -1:] for count in counts]
            group.note(first, np.where(rule.log_e(counts) >= log(ALARM), 0, -1))
            if group.looks.all():
                break
        endings = endings + group
    return endings


def _median(found: Endings) -> str:
    looks = np.sort(np.where(found.looks > 0, found.looks, np.iinfo(np.int64).max))
    middle = looks[len(looks) // 2]
    return f"{middle:,}" if middle < np.iinfo(np.int64).max else "(not in half of them)"
