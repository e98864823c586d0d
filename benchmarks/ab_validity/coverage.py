"""Do the shown intervals cover the truth at every look of a test?"""

from __future__ import annotations

from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from benchmarks.ab_validity import batch
from benchmarks.ab_validity.goals import Goals
from benchmarks.ab_validity.laws import Law, coin, lognormal, normal
from benchmarks.ab_validity.size import Size
from benchmarks.ab_validity.stream import TESTS, Setup, blocks
from benchmarks.ab_validity.table import markdown, rate
from tropism.stats import Plan, preference_report
from tropism.stats.metric import BOOL_PRIOR
from tropism.stats.pair_counts import PairCounts

CASES = (
    (coin(0.002), coin(0.01)),
    (coin(0.01), coin(0.05)),
    (coin(0.02), coin(0.03)),
    (coin(0.3), coin(0.36)),
    (coin(0.9), coin(0.9)),
    (normal(), normal(0.1)),
    (lognormal(), lognormal()),
)


def coverage(size: Size, seed: int, goals: Goals) -> str:
    rows, tests = [], -(-size.pairs // 3 // TESTS) * TESTS
    for laws in CASES:
        mean, difference, fixed = _misses(laws, size, seed + 7)
        name = f"{laws[0].name} and {laws[1].name}"
        rows.append([name, *(rate(int(each.sum()), tests) for each in (mean, difference, fixed))])
        goals.rate("intervals that ever miss, %", max(int(mean.sum()), int(difference.sum())), tests, 5.5, name)
    low, high = _preference_misses(size, seed + 8)
    rows.append(["preference, win rate .6, 30 % ties", rate(low, high), "(the same)", ""])
    return markdown(
        "Intervals that miss the truth at some look, % of tests",
        ["feedback", "mean of one variant", "difference", "difference, plain 95 % interval"],
        rows,
        f"{size.feedbacks:,} feedbacks per test, {tests:,} tests per row, a look after every feedback once figures are "
        f"shown. Preferences: {high:,} tests, 60 looks each.",
    )


def _misses(laws: tuple[Law, Law], size: Size, seed: int) -> tuple[NDArray[np.bool_], ...]:
    plan, setup, parts = Plan(), Setup(laws, [0.5, 0.5], size.feedbacks), []
    outside = _Exact(size.feedbacks) if laws[0].is_bool else _scalar_outside
    with np.errstate(all="ignore"):
        for part in np.random.SeedSequence(seed).spawn(-(-size.pairs // 3 // TESTS)):
            missed = np.zeros((3, TESTS), dtype=np.bool_)
            for block in blocks(setup, np.random.default_rng(part)):
                first, second = block.seen.variants
                each = [batch.moments(first), batch.moments(second)]
                merged = batch.moments(first + second)
                shown = batch.has_enough([first, second], laws[0].is_bool)
                value = batch.gap(each[1], each[0], merged)
                truth = laws[1].mean - laws[0].mean
                own = outside(first, laws[0].mean)
                far = np.abs(value.z_score(truth)) > batch.critical_z(plan.alpha, plan.tuning, value.information)
                plain = np.abs(value.difference - truth) > 1.96 * value.welch
                missed |= np.stack([(shown & out).any(axis=1) for out in (own, far, plain)])
            parts.append(missed)
    return tuple(np.concatenate(parts, axis=1))


def _scalar_outside(sums: batch.BatchSums, truth: float) -> NDArray[np.bool_]:
    plan, value = Plan(), batch.mean_gap(batch.moments(sums))
    critical = batch.critical_z(plan.alpha, plan.tuning / 2, value.information)
    return np.asarray(np.abs(value.z_score(truth)) > critical)


class _Exact:
    """The exact interval of a rate leaves the truth out where its e-value reaches 1 / alpha."""

    def __init__(self, most: int) -> None:
        self.one = np.array([lgamma(BOOL_PRIOR + i) for i in range(most + 1)])
        self.both = np.array([lgamma(2 * BOOL_PRIOR + i) for i in range(most + 1)])

    def __call__(self, sums: batch.BatchSums, truth: float) -> NDArray[np.bool_]:
        wins, losses = sums.s.astype(np.int64), (sums.n - sums.s).astype(np.int64)
        value = self.one[wins] + self.one[losses] - self.both[wins + losses] - (2 * self.one[0] - self.both[0])
        value = value - sums.s * log(truth) - (sums.n - sums.s) * log(1 - truth)
        return np.asarray(value > log(1 / Plan().alpha))


def _preference_misses(size: Size, seed: int) -> tuple[int, int]:
    """With the report itself, at looks spread evenly over the logarithm of the comparisons."""
    random, tests, missed = np.random.default_rng(seed), size.many, 0
    looks = np.unique(np.geomspace(20, size.feedbacks, 60).astype(int))
    for _ in range(tests):
        toss = random.random(size.feedbacks)
        wins, losses = np.cumsum(toss < 0.42), np.cumsum(toss > 0.72)
        missed += any(_misses_win_rate(int(wins[n - 1]), int(losses[n - 1]), int(n), 0.42 + 0.15) for n in looks)
    return missed, tests


def _misses_win_rate(wins: int, losses: int, total: int, truth: float) -> bool:
    report = preference_report(2, {(0, 1): PairCounts(wins, losses, total - wins - losses)}, Plan())
    effect = report.comparisons[0].effect
    return effect is not None and not effect.start <= truth <= effect.end
