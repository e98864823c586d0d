"""The normal-mixture e-value: published critical values, and the properties that make it valid."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tropism.stats.mixture import critical_z, critical_z_above, log_e, log_e_above, mixing_variance, p_value

RHO2 = mixing_variance(0.05, 1000)


def mean_under_null(log_value: Callable[[float], float]) -> float:
    """E e(Z) for a standard normal Z, by the midpoint rule."""
    step = 1e-3
    grid = (-40 + step * (i + 0.5) for i in range(round(80 / step)))
    return math.fsum(math.exp(log_value(z) - z * z / 2) for z in grid) * step / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(("units", "z"), [(100, 3.76), (200, 3.32), (1000, 3.04), (5000, 3.17), (20_000, 3.35)])
def test_critical_values_are_the_published_ones(units: int, z: float) -> None:
    assert critical_z(0.05, RHO2 * units) == pytest.approx(z, abs=0.005)


@pytest.mark.parametrize("kappa", [0.01, 1.0, 30.0])
def test_the_e_value_has_mean_one_under_the_null(kappa: float) -> None:
    assert mean_under_null(lambda z: log_e(z, kappa)) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("kappa", [0.01, 1.0, 30.0])
def test_the_one_sided_e_value_is_a_mixture_over_positive_effects(kappa: float) -> None:
    scale, step = math.sqrt(kappa), 1e-3
    effects = [step * (i + 0.5) * scale for i in range(12_000)]
    for z in (0.5, 2.0, 4.0):
        weights = (math.exp(z * m - m * m / 2 - m * m / scale**2 / 2) for m in effects)
        mixed = 2 * math.fsum(weights) * step / math.sqrt(2 * math.pi)
        assert math.exp(log_e_above(z, kappa)) == pytest.approx(mixed, rel=1e-5)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01, 1e-6])
@pytest.mark.parametrize("kappa", [1e-3, 0.5, 10.0, 1e4])
def test_the_critical_value_is_where_p_reaches_alpha(alpha: float, kappa: float) -> None:
    assert p_value(log_e(critical_z(alpha, kappa), kappa)) == pytest.approx(alpha, rel=1e-9)
    assert p_value(log_e_above(critical_z_above(alpha, kappa), kappa)) == pytest.approx(alpha, rel=1e-9)


def test_the_one_sided_test_asks_for_less() -> None:
    assert critical_z_above(0.05, 5.0) < critical_z(0.05, 5.0)


def test_evidence_against_the_tested_side_never_counts() -> None:
    assert p_value(log_e_above(-9.0, 5.0)) == 1


def test_the_boundary_is_tightest_near_the_planned_size() -> None:
    tightest = min(range(100, 5000, 10), key=lambda units: critical_z(0.05, RHO2 * units))
    assert 800 <= tightest <= 1250
