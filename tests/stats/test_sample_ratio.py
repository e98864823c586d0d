"""The sample-ratio alarm: silent for the planned split, loud for a broken one."""

from __future__ import annotations

import math
import random

import pytest

from tropism.stats import sample_ratio


def test_an_even_split_raises_no_alarm() -> None:
    result = sample_ratio([50_100, 49_900])
    assert (result.alarm, result.p_value) == (False, 1)


def test_a_broken_split_raises_the_alarm() -> None:
    result = sample_ratio([5200, 4500])
    assert result.alarm
    assert result.p_value == pytest.approx(1 / result.e_value)


def test_the_split_is_measured_against_the_planned_weights() -> None:
    assert not sample_ratio([9000, 1000], [9, 1]).alarm
    assert sample_ratio([9000, 1000]).alarm


def test_an_extreme_split_does_not_overflow() -> None:
    assert sample_ratio([10**7, 0]).alarm


@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.7, 0.2, 0.1]])
def test_the_e_value_is_a_martingale_under_the_planned_split(weights: list[float]) -> None:
    draw = random.Random(1)
    for _ in range(50):
        counts = [draw.randint(0, 400) for _ in weights]
        now, ahead = sample_ratio(counts, weights).e_value, 0.0
        for i, weight in enumerate(weights):
            ahead += weight * sample_ratio([c + (i == j) for j, c in enumerate(counts)], weights).e_value
        assert ahead == pytest.approx(now, rel=1e-9)


def test_a_split_of_52_to_48_is_found_within_some_thousand_requests() -> None:
    draw, found = random.Random(2), []
    for _ in range(30):
        first, total = 0, 0
        while not sample_ratio([first, total - first]).alarm:
            first, total = first + sum(draw.random() < 0.52 for _ in range(100)), total + 100
        found.append(total)
    assert 5000 < sorted(found)[15] < 11_000


def test_nothing_seen_is_no_evidence() -> None:
    assert sample_ratio([0, 0, 0]).e_value == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "weights"),
    [([1], None), ([1, 2], [1.0]), ([1, 2], [1.0, 0.0]), ([1, 2], [1.0, math.inf]), ([-1, 2], None)],
)
def test_what_cannot_be_is_refused(counts: list[int], weights: list[float] | None) -> None:
    with pytest.raises(ValueError):
        sample_ratio(counts, weights)
