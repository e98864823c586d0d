"""Beta-binomial evidence is exact: a martingale in every state, and its interval is its inversion."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropism.stats.beta import log_e_share, share_interval

counts = st.integers(0, 3000)
shares = st.floats(0.001, 0.999)


@given(counts, counts, shares, st.sampled_from([0.5, 1.0, 10.0]))
def test_the_e_value_is_a_martingale_in_every_state(wins: int, losses: int, theta: float, prior: float) -> None:
    now = log_e_share(wins, losses, theta, prior)
    after_win = math.exp(log_e_share(wins + 1, losses, theta, prior) - now)
    after_loss = math.exp(log_e_share(wins, losses + 1, theta, prior) - now)
    assert theta * after_win + (1 - theta) * after_loss == pytest.approx(1, rel=1e-8)


def test_without_counts_there_is_no_evidence() -> None:
    assert log_e_share(0, 0, 0.5, 10) == 0
    assert share_interval(0, 0, 0.05, 10) == (0, 1)


@pytest.mark.parametrize(("theta", "prior"), [(0.5, 10.0), (0.3, 0.5), (0.02, 0.5)])
def test_the_chance_of_ever_reaching_one_over_alpha_is_at_most_alpha(theta: float, prior: float) -> None:
    """Exact, by carrying the distribution of the successes forward and taking out the paths that cross."""
    alive, crossed = {0: 1.0}, 0.0
    for n in range(1, 601):
        after: dict[int, float] = {}
        for wins, chance in alive.items():
            after[wins] = after.get(wins, 0.0) + chance * (1 - theta)
            after[wins + 1] = after.get(wins + 1, 0.0) + chance * theta
        out = {w for w in after if log_e_share(w, n - w, theta, prior) >= math.log(20)}
        crossed += sum(after.pop(w) for w in out)
        alive = after
    assert 0.005 < crossed <= 0.05


@given(counts, counts, st.sampled_from([0.05, 0.01]), st.sampled_from([0.5, 10.0]))
def test_the_interval_is_the_inversion_of_the_e_value(wins: int, losses: int, alpha: float, prior: float) -> None:
    low, high = share_interval(wins, losses, alpha, prior)
    assert 0 <= low <= high <= 1
    bar, step = math.log(1 / alpha), 1e-9
    for end, outwards in ((low, -step), (high, step)):
        assert log_e_share(wins, losses, min(max(end - outwards, 0.0), 1.0), prior) < bar or high - low < 2 * step
        if 0 < end < 1:
            assert log_e_share(wins, losses, min(max(end + outwards, 0.0), 1.0), prior) >= bar
    assert (low == 0) == (wins == 0)
    assert (high == 1) == (losses == 0)


@given(counts, counts)
def test_the_interval_of_the_other_side_is_the_mirror_image(wins: int, losses: int) -> None:
    low, high = share_interval(wins, losses, 0.05, 10.0)
    assert share_interval(losses, wins, 0.05, 10.0) == pytest.approx((1 - high, 1 - low), abs=1e-12)
