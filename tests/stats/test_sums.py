"""Sums over units: merging, replacing and rebuilding give the same figures."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropism.stats import Sums, Unit

values = st.floats(min_value=-1e4, max_value=1e4, allow_nan=False)
units = st.builds(Unit, st.integers(1, 30), values)
bool_units = st.integers(1, 30).flatmap(lambda n: st.builds(Unit, st.just(n), st.integers(0, n).map(float)))


def scale(parts: Sequence[Unit]) -> tuple[float, ...]:
    """The size of what was added up in each field: the yardstick of its rounding."""
    return tuple(map(abs, Sums.of(Unit(n, abs(s)) for n, s in parts).row()))


def close(one: Sums, other: Sums, sizes: Sequence[float]) -> bool:
    return all(abs(a - b) <= 1e-12 * size for a, b, size in zip(one.row(), other.row(), sizes, strict=True))


@given(st.lists(units), st.lists(units))
def test_replicas_merge_to_the_whole(left: list[Unit], right: list[Unit]) -> None:
    assert close(Sums.of(left) + Sums.of(right), Sums.of(left + right), scale(left + right))


@given(st.lists(bool_units), st.randoms(use_true_random=False))
def test_bool_sums_do_not_depend_on_the_order_by_a_bit(parts: list[Unit], order: random.Random) -> None:
    shuffled = order.sample(parts, len(parts))
    one, other = Sums(), Sums()
    for first, second in zip(parts, shuffled, strict=True):
        one, other = one.add(first), other.add(second)
    assert one == other == Sums.of(parts)


@given(st.lists(units, min_size=1), st.randoms(use_true_random=False))
def test_rebuilding_from_the_log_does_not_depend_on_the_order_by_a_bit(parts: list[Unit], order: random.Random) -> None:
    assert Sums.of(order.sample(parts, len(parts))) == Sums.of(parts)


@given(st.lists(units), units, units)
def test_replacing_a_unit_equals_rebuilding(rest: list[Unit], old: Unit, new: Unit) -> None:
    replaced = Sums.of([*rest, old]).replace(old, new)
    assert close(replaced, Sums.of([*rest, new]), scale([*rest, old, new]))


@given(st.lists(bool_units), bool_units, bool_units)
def test_replacing_a_bool_unit_equals_rebuilding_to_the_bit(rest: list[Unit], old: Unit, new: Unit) -> None:
    assert Sums.of([*rest, old]).replace(old, new) == Sums.of([*rest, new])


@given(st.lists(units, min_size=1))
def test_removing_every_unit_leaves_nothing(parts: list[Unit]) -> None:
    sums = Sums.of(parts)
    for part in parts:
        sums = sums.remove(part)
    assert sums == Sums()


@given(st.lists(units))
def test_negated_sums_are_those_of_negated_values(parts: list[Unit]) -> None:
    assert Sums.of(parts).negated() == Sums.of(Unit(n, -s) for n, s in parts)


def test_each_field_is_the_sum_it_is_named_after() -> None:
    assert Sums.of([Unit(2, 3.0), Unit(1, -5.0)]).row() == (2, 3, -2.0, 5, 1.0, 34.0, 9, 7.0, 43.0, -98.0)


def test_a_change_can_be_added_field_by_field() -> None:
    change = Sums.change(Unit(1, 2.0), Unit(2, 5.0))
    assert change.row() == (0, 1, 3.0, 3, 8.0, 21.0, 7, 18.0, 46.0, 117.0)


def test_a_unit_is_its_values_measured_from_the_reference() -> None:
    assert Unit.of([10.0, 12.0, 13.0], reference=10.0) == Unit(3, 5.0)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e91])
def test_values_that_cannot_be_summed_are_refused(value: float) -> None:
    with pytest.raises(ValueError):
        Unit.of([1.0, value])
    with pytest.raises(ValueError):
        Sums().add(Unit(1, value))


def test_a_value_too_far_from_the_reference_is_refused() -> None:
    with pytest.raises(ValueError):
        Unit.of([1.7e308], reference=-1.7e308)


def test_a_unit_without_feedback_is_refused() -> None:
    with pytest.raises(ValueError):
        Unit.of([])
    with pytest.raises(ValueError):
        Sums().add(Unit(0, 0.0))


def test_the_largest_values_keep_every_sum_finite() -> None:
    sums = Sums.of([Unit(1, 1e90)] * 1000)
    assert all(map(math.isfinite, sums.row()))


def test_taking_out_a_mistyped_value_asks_for_a_rebuild() -> None:
    sums = Sums.of([*[Unit(1, 1.5)] * 100, Unit(1, 1e9)])
    assert not sums.keeps_digits(Unit(1, 1e9))
    assert sums.keeps_digits(Unit(1, 1.5))


def test_taking_out_a_bool_value_never_asks_for_a_rebuild() -> None:
    assert Sums.of([Unit(1, 1.0), Unit(1, 0.0)]).keeps_digits(Unit(1, 1.0))
