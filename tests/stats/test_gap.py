"""The z-score of a difference: the guards only weaken it, and its interval is its inversion."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropism.stats import Sums, Unit
from tropism.stats.gap import Gap, gap, lower_end, upper_end, z_score
from tropism.stats.moments import Moments, moments
from tropism.stats.skewness import hall, hall_inverse

gaps = st.builds(
    Gap,
    st.floats(-5, 5),
    st.floats(0.01, 2),
    st.floats(0.01, 2),
    st.floats(-3, 3),
    st.floats(100, 1e5),
)


def ones(successes: int, total: int) -> Moments:
    return moments(Sums.of([Unit(1, 1.0)] * successes + [Unit(1, 0.0)] * (total - successes)))


@given(st.floats(-20, 20), st.floats(-5, 5))
def test_halls_transform_is_undone_by_its_inverse(t: float, skewness: float) -> None:
    """Where the transform is flat the inverse is steep, so the check is made on the transformed value."""
    x = hall(t, skewness)
    assert hall(hall_inverse(x, skewness), skewness) == pytest.approx(x, rel=1e-7, abs=1e-7)


@given(st.floats(-20, 20), st.floats(-5, 5))
def test_halls_transform_is_the_published_polynomial(t: float, skewness: float) -> None:
    published = t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / 6
    assert hall(t, skewness) == pytest.approx(published, rel=1e-9, abs=1e-9)


@given(gaps)
def test_the_guards_only_weaken(value: Gap) -> None:
    assert abs(z_score(value)) <= min(abs(value.difference) / value.welch, abs(value.difference) / value.pooled)
    assert z_score(value) * value.difference >= 0


@given(gaps, st.floats(1, 6))
def test_the_ends_of_the_interval_are_where_the_z_score_is_critical(value: Gap, critical: float) -> None:
    assert z_score(value, lower_end(value, critical)) == pytest.approx(critical, rel=1e-6)
    assert z_score(value, upper_end(value, critical)) == pytest.approx(-critical, rel=1e-6)


@given(gaps, st.floats(1, 6))
def test_the_other_variants_view_is_the_mirror_image_to_the_bit(value: Gap, critical: float) -> None:
    mirror = Gap(-value.difference, value.welch, value.pooled, -value.skewness, value.information)
    assert z_score(mirror) == -z_score(value)
    assert lower_end(mirror, critical) == -upper_end(value, critical)


def test_both_standard_errors_are_the_textbook_ones() -> None:
    both = moments(Sums.of([Unit(1, 1.0)] * 50 + [Unit(1, 0.0)] * 350))
    value = gap(ones(40, 100), ones(10, 300), both, both)
    welch = math.sqrt(0.4 * 0.6 / 99 + (1 / 30) * (29 / 30) / 299)
    pooled = math.sqrt(0.125 * 0.875 * (1 / 100 + 1 / 300))
    assert (value.welch, value.pooled) == pytest.approx((welch, pooled), rel=1e-12)
    assert value.information == pytest.approx(300)
    assert value.difference == pytest.approx(0.4 - 1 / 30)


def test_the_skewness_is_that_of_the_difference() -> None:
    both = moments(Sums.of([Unit(1, 1.0)] * 50 + [Unit(1, 0.0)] * 350))
    value = gap(ones(40, 100), ones(10, 300), both, both)
    third = 0.4 * 0.6 * 0.2 / 100**2 - (1 / 30) * (29 / 30) * (28 / 30) / 300**2
    assert value.skewness == pytest.approx(third / value.welch**3, rel=1e-12)


def test_a_variant_without_a_success_has_an_error_all_the_same() -> None:
    both = moments(Sums.of([Unit(1, 1.0)] * 4 + [Unit(1, 0.0)] * 196))
    assert gap(ones(4, 100), ones(0, 100), both, both).pooled > 0.01


def test_equal_constants_take_the_variance_of_the_whole_test() -> None:
    value = gap(ones(0, 100), ones(0, 100), ones(0, 200), ones(100, 300))
    assert value.pooled > 0
    assert z_score(value) == 0
