"""An end that rounding put on the wrong side of "no difference" is moved by the least that makes it agree with p."""

from __future__ import annotations

import pytest

from tropism.stats import Plan
from tropism.stats.assemble import shown
from tropism.stats.contrast import Contrast, against, agreeing


@pytest.mark.parametrize("null", [0.0, 0.5])
def test_a_decided_contrast_excludes_no_difference(null: float) -> None:
    low, high = against(null, null - 1e-17, null + 0.1, null + 0.2, True)
    assert null < low < null + 1e-15
    assert high == null + 0.2
    low, high = against(null, null - 0.2, null - 0.1, null, True)
    assert null - 1e-15 < high < null
    assert low == null - 0.2


def test_an_undecided_contrast_includes_no_difference() -> None:
    assert against(0.0, 1e-17, 0.1, 0.2, False) == (0.0, 0.2)
    assert against(0.0, -0.2, -0.1, -1e-17, False) == (-0.2, 0.0)


def test_ends_that_agree_stay_as_they_are() -> None:
    contrast = agreeing(0.01, 0.1, 0.2, 0.04, 0.05)
    assert (contrast.low, contrast.high) == (0.01, 0.2)
    assert contrast.flipped().flipped() == contrast
    assert (contrast.p_better, contrast.flipped().p_better) == (0.04, 1.0)


def test_a_win_rate_is_shown_beside_one_half_however_small_the_advantage() -> None:
    better = Contrast(1e-20, 0.1, 0.2, 0.04)
    assert shown(better, Plan(), is_metric=False).start > 0.5
    assert shown(better.flipped(), Plan(), is_metric=False).end < 0.5
    assert shown(Contrast(-1e-20, 0.1, 0.2, 0.06), Plan(), is_metric=False).start == 0.5
