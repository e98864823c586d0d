"""The root finder returns the first double at which the function is no longer negative."""

from __future__ import annotations

from math import nextafter, sqrt

import pytest

from tropism.stats.root import bisect


@pytest.mark.parametrize("square", [2.0, 3.0, 1e-8, 1e8])
def test_the_root_is_right_to_the_last_bit(square: float) -> None:
    root = bisect(lambda x: x * x - square, 0.0, 2e4)
    assert root * root >= square
    assert nextafter(root, 0) ** 2 < square
    assert root == pytest.approx(sqrt(square), rel=1e-15)


def test_an_empty_interval_is_its_own_root() -> None:
    assert bisect(lambda x: x, 0.0, 0.0) == 0
