"""The figures of a report: they keep what they promise, for few samples and for odd ones."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tropism.stats.betting import betting_interval
from tropism.stats.paired import Estimate, mean_score, paired_difference
from tropism.stats.student import t_quantile

TIMES = 300


def test_few_perfect_scores_are_no_certainty() -> None:
    found = mean_score([1.0] * 10)
    assert found is not None
    assert found.high == found.mean == 1.0
    assert 0.5 < found.low < 0.7


def test_no_scores_have_no_mean() -> None:
    assert mean_score([]) is None
    assert paired_difference([], []) is None


@pytest.mark.parametrize("size", [2, 8, 50])
@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda dice: float(dice.random() < 0.9), 0.9),
        (lambda dice: dice.random(), 0.5),
        (lambda dice: dice.choice([0.0, 1 / 3, 2 / 3, 1.0]), 0.5),
        (lambda dice: float(dice.random() < 0.02), 0.02),
    ],
    ids=["rate", "uniform", "thirds", "rare"],
)
def test_the_interval_of_a_mean_holds_for_any_size(
    draw: Callable[[random.Random], float], mean: float, size: int
) -> None:
    dice = random.Random(7)
    missed = 0
    for _ in range(TIMES):
        low, high = betting_interval([draw(dice) for _ in range(size)], 0.05)
        missed += not low <= mean <= high
    assert missed <= 0.05 * TIMES


DIFFERENCES: dict[str, tuple[Callable[[random.Random], float], float]] = {
    "normal": (lambda dice: min(1.0, max(-1.0, dice.gauss(0.1, 0.15))), 0.1),
    "bool": (lambda dice: float(dice.random() < 0.8) - float(dice.random() < 0.6), 0.2),
    "rare": (lambda dice: float(dice.random() < 0.05), 0.05),
    "skewed": (lambda dice: 1.0 if dice.random() < 0.1 else -0.05 * dice.random(), 0.0775),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_interval_of_a_difference_holds(name: str) -> None:
    draw, mean = DIFFERENCES[name]
    dice = random.Random(11)
    missed = 0
    for _ in range(TIMES):
        found = _difference([draw(dice) for _ in range(50)])
        missed += not found.low <= mean <= found.high
    assert missed <= 0.08 * TIMES, "0.05, and what 300 repetitions leave to chance"


def _difference(values: list[float]) -> Estimate:
    found = paired_difference([max(value, 0.0) for value in values], [max(-value, 0.0) for value in values])
    assert found is not None
    return found


def test_pairs_find_what_means_alone_cannot() -> None:
    dice = random.Random(3)
    hard = [dice.random() for _ in range(60)]
    good = [min(1.0, value + 0.1) for value in hard]
    paired = paired_difference(good, hard)
    alone = [mean_score(scores) for scores in (good, hard)]
    assert paired is not None
    assert paired.verdict == "better"
    assert alone[0] is not None
    assert alone[1] is not None
    assert alone[0].low < alone[1].high, "apart from each other, the two intervals overlap"


def test_a_difference_turns_with_its_sides() -> None:
    mine, others = [0.2, 0.4, 0.9] * 10, [0.1, 0.5, 0.3] * 10
    one, other = paired_difference(mine, others), paired_difference(others, mine)
    assert one is not None
    assert other is not None
    assert (one.low, one.mean, one.high) == pytest.approx((-other.high, -other.mean, -other.low))


def test_more_comparisons_widen_each_interval() -> None:
    mine, others = [0.2, 0.4, 0.9] * 10, [0.1, 0.5, 0.3] * 10
    one, three = paired_difference(mine, others), paired_difference(mine, others, comparisons=3)
    assert one is not None
    assert three is not None
    assert three.low < one.low < one.high < three.high


@pytest.mark.parametrize(("freedom", "point"), [(9, 2.2622), (20, 2.0860), (50, 2.0086), (1000, 1.9623)])
def test_quantiles_are_those_of_the_tables(freedom: int, point: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(point, abs=2e-4)


def test_scores_outside_of_zero_and_one_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_score([0.5, 1.1])
    with pytest.raises(ValueError, match="alpha"):
        betting_interval([0.5], 0.0)
    with pytest.raises(ValueError):
        paired_difference([0.5], [])
    with pytest.raises(ValueError, match="freedom"):
        t_quantile(0.975, 3)
