"""The planner: textbook sample sizes, and forecasts that simulated tests confirm."""

from __future__ import annotations

import math
import random

import pytest

from tropism.stats import Forecast, plan_mean, plan_preference, plan_rate
from tropism.stats.beta import log_e_share
from tropism.stats.mixture import critical_z, mixing_variance
from tropism.stats.win_rate import PRIOR


@pytest.mark.parametrize(
    ("baseline", "effect", "size"),
    [(0.3, 0.03, 3760), (0.3, 0.06, 961), (0.3, 0.15, 160), (0.02, 0.01, 3823), (0.02, 0.005, 13_807)],
)
def test_the_fixed_horizon_of_rates_is_the_published_one(baseline: float, effect: float, size: int) -> None:
    assert plan_rate(baseline, effect).fixed_horizon == size


@pytest.mark.parametrize(("effect", "size"), [(0.1, 1570), (0.2, 393), (0.5, 63)])
def test_the_fixed_horizon_of_means_is_the_published_one(effect: float, size: int) -> None:
    assert plan_mean(1.0, effect).fixed_horizon == size


@pytest.mark.parametrize(("win_rate", "size"), [(0.55, 1118), (0.6, 277), (0.7, 67)])
def test_the_fixed_horizon_of_preferences_is_the_published_one(win_rate: float, size: int) -> None:
    assert plan_preference(win_rate, ties=0.3).fixed_horizon == size


def simulated(forecast: Forecast, drift: float, tests: int) -> list[int]:
    """Units per variant after which a Gaussian test with this drift per unit of both variants decided."""
    draw, rho2, step = random.Random(1), mixing_variance(0.05, forecast.tuning), 20
    ends = []
    for _ in range(tests):
        total, units = draw.gauss(drift * step, math.sqrt(step)), step
        while abs(total) < math.sqrt(units) * critical_z(0.05, rho2 * units):
            total, units = total + draw.gauss(drift * step, math.sqrt(step)), units + step
        ends.append(units // 2)
    return sorted(ends)


def test_the_forecast_of_a_mean_is_what_simulated_tests_need() -> None:
    forecast = plan_mean(1.0, 0.1)
    ends = simulated(forecast, 0.05, 600)
    assert ends[300] == pytest.approx(forecast.median, rel=0.1)
    assert ends[480] == pytest.approx(forecast.for_80_percent, rel=0.1)


def test_the_forecast_of_a_preference_is_what_simulated_tests_need() -> None:
    draw, ends = random.Random(2), []
    for _ in range(600):
        wins, total = 0, 0
        while log_e_share(wins, total - wins, 0.5, PRIOR) < math.log(20):
            wins, total = wins + (draw.random() < 0.55), total + 1
        ends.append(total)
    forecast = plan_preference(0.55)
    assert sorted(ends)[300] == pytest.approx(forecast.median, rel=0.06)
    assert sorted(ends)[480] == pytest.approx(forecast.for_80_percent, rel=0.06)


def test_tuning_is_half_of_the_fixed_horizon_of_both_variants_within_bounds() -> None:
    assert plan_mean(1.0, 0.1).tuning == pytest.approx(1569.8, abs=0.1)
    assert plan_mean(1.0, 1.0).tuning == 100
    assert plan_mean(1.0, 0.001).tuning == 20_000


def test_a_fall_needs_as_much_as_a_rise() -> None:
    assert plan_mean(1.0, -0.1) == plan_mean(1.0, 0.1)
    assert plan_rate(0.4, -0.1).median == plan_rate(0.3, 0.1).median
    assert plan_preference(0.4) == plan_preference(0.6)


def test_more_variants_need_more_of_each() -> None:
    assert plan_rate(0.3, 0.03, variants=5).median > 1.2 * plan_rate(0.3, 0.03).median
    assert plan_preference(0.6, variants=3).fixed_horizon > 2 * plan_preference(0.6).fixed_horizon


def test_no_test_is_forecast_to_end_in_warm_up() -> None:
    easy = plan_rate(0.01, 0.5)
    assert easy.warmup == 50
    rare = plan_rate(0.001, 0.009)
    assert (rare.warmup, rare.median >= rare.warmup, rare.max_feedbacks >= rare.warmup) == (895, True, True)
    assert plan_mean(1.0, 0.5, skewness=6.0).warmup == 720


@pytest.mark.parametrize(("baseline", "effect"), [(0.0, 0.1), (0.9, 0.1), (0.3, 0.0), (math.nan, 0.1), (0.3, math.inf)])
def test_rates_that_cannot_be_are_refused(baseline: float, effect: float) -> None:
    with pytest.raises(ValueError):
        plan_rate(baseline, effect)


@pytest.mark.parametrize(("win_rate", "ties"), [(0.5, 0.0), (1.0, 0.0), (0.6, 1.0), (0.6, -0.1)])
def test_preferences_that_cannot_be_are_refused(win_rate: float, ties: float) -> None:
    with pytest.raises(ValueError):
        plan_preference(win_rate, ties=ties)


@pytest.mark.parametrize("sd", [0.0, -1.0, math.inf])
def test_a_spread_that_cannot_be_is_refused(sd: float) -> None:
    with pytest.raises(ValueError):
        plan_mean(sd, 0.1)


@pytest.mark.parametrize(("sd", "effect"), [(1.0, 1e-150), (1e150, 1e-150), (1.0, 1e-9)])
def test_an_effect_that_nobody_could_find_is_refused(sd: float, effect: float) -> None:
    with pytest.raises(ValueError, match="no test could find it"):
        plan_mean(sd, effect)


@pytest.mark.parametrize("sd", [5e-324, 1e-200, 1e-9])
def test_next_to_no_spread_needs_no_more_than_the_warm_up(sd: float) -> None:
    forecast = plan_mean(sd, 1.0)
    assert forecast.fixed_horizon == 1
    assert forecast.median == forecast.for_80_percent == forecast.max_feedbacks == forecast.warmup
