"""Moments read from sums equal those computed from the values themselves."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from tropism.stats import Sums, Unit
from tropism.stats.moments import moments


def test_single_completions_give_the_plain_mean_and_central_moments() -> None:
    draw = random.Random(1)
    values = [draw.lognormvariate(0, 1) for _ in range(500)]
    mean = math.fsum(values) / 500
    read = moments(Sums.of(Unit(1, value) for value in values))
    assert read.mean == pytest.approx(mean, rel=1e-13)
    assert read.m2 == pytest.approx(math.fsum((x - mean) ** 2 for x in values), rel=1e-12)
    assert read.m3 == pytest.approx(math.fsum((x - mean) ** 3 for x in values), rel=1e-11)


def test_users_give_the_moments_of_their_residuals() -> None:
    draw = random.Random(2)
    users = [Unit(draw.randint(1, 9), draw.gauss(3, 2)) for _ in range(200)]
    feedbacks = sum(n for n, _ in users)
    ratio = math.fsum(s for _, s in users) / feedbacks
    residuals = [(s - ratio * n) / (feedbacks / 200) for n, s in users]
    read = moments(Sums.of(users))
    assert read.units == 200
    assert read.mean == pytest.approx(ratio, rel=1e-13)
    assert read.m2 == pytest.approx(math.fsum(r**2 for r in residuals), rel=1e-11)
    assert read.m3 == pytest.approx(math.fsum(r**3 for r in residuals), rel=1e-9)


@pytest.mark.parametrize("rate", [0.02, 0.3, 0.5, 0.98])
def test_a_rate_has_the_variance_and_skewness_of_a_coin(rate: float) -> None:
    ones = round(rate * 1000)
    read = moments(Sums.of([Unit(1, 1.0)] * ones + [Unit(1, 0.0)] * (1000 - ones)))
    assert read.m2 == pytest.approx(1000 * rate * (1 - rate), rel=1e-12)
    assert read.skewness2 == pytest.approx((1 - 2 * rate) ** 2 / (rate * (1 - rate)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9, 1e12, 1e15])
def test_values_far_from_the_reference_never_look_less_variable_than_they_are(offset: float) -> None:
    draw = random.Random(3)
    values = [offset + draw.gauss(0, 1) for _ in range(1000)]
    mean = sum(map(Fraction, values)) / 1000
    exact = float(sum((Fraction(x) - mean) ** 2 for x in values))
    read = moments(Sums.of(Unit(1, x) for x in values))
    assert read.m2 >= exact * 0.999
    if offset <= 1e3:
        assert read.m2 == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e6 / 3])
def test_a_constant_does_not_vary(value: float) -> None:
    read = moments(Sums.of([Unit(1, value)] * 70))
    assert not read.varies
    assert read.skewness2 == 0


def test_streamed_sums_of_a_skewed_law_keep_nine_digits() -> None:
    draw = random.Random(4)
    values = [draw.lognormvariate(0, 2) for _ in range(20_000)]
    streamed = Sums()
    for value in values:
        streamed = streamed.add(Unit(1, value - values[0]))
    exact = moments(Sums.of(Unit(1, value - values[0]) for value in values))
    read = moments(streamed)
    assert (read.mean, read.m2, read.m3) == pytest.approx((exact.mean, exact.m2, exact.m3), rel=1e-9)


def test_a_skewness_that_rounding_hides_is_said_to_be_lost() -> None:
    draw = random.Random(5)
    values = [draw.expovariate(1) for _ in range(1000)]
    near, far = (moments(Sums.of(Unit(1, x + offset) for x in values)) for offset in (0.0, 1e6))
    assert (near.digits_lost, far.digits_lost) == (False, True)
    assert near.skewness2 > 1
    assert far.skewness2 == 0
    assert far.varies


def test_coins_lose_no_digits() -> None:
    assert not moments(Sums.of([Unit(1, 1.0)] * 10 + [Unit(1, 0.0)] * 9990)).digits_lost
