"""Agreement of two raters: known values, degenerate tables, and intervals that hold as often as they say."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tropism.stats.agreement import Table, agreement, kappa, rank_correlation, tabulate, wilson

cells = st.integers(0, 60)
tables = st.builds(Table, both=cells, first_only=cells, second_only=cells, neither=cells)


def test_kappa_of_a_textbook_table() -> None:
    """Two readers, 50 proposals: 20 yes by both, 15 no by both, 5 and 10 apart; chance .5, agreement .7."""
    found = kappa(Table(both=20, first_only=5, second_only=10, neither=15))
    assert found is not None
    assert found.middle == pytest.approx(0.4)
    assert found.start == pytest.approx(0.14, abs=0.03)
    assert found.end == pytest.approx(0.62, abs=0.03)


def test_wilsons_interval_of_a_known_share() -> None:
    assert wilson(7, 10) == pytest.approx((0.3968, 0.8922), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(tables)
@settings(max_examples=25, deadline=None)
def test_an_estimate_lies_in_its_interval_and_the_raters_can_be_swapped(table: Table) -> None:
    swapped = Table(both=table.both, first_only=table.second_only, second_only=table.first_only, neither=table.neither)
    for figure in (agreement, kappa):
        one, other = figure(table), figure(swapped)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.start <= one.middle <= one.end
            assert one.middle == pytest.approx(other.middle)


def test_nothing_and_one_sided_tables_have_no_kappa() -> None:
    assert kappa(Table(both=0, first_only=0, second_only=0, neither=0)) is None
    assert kappa(Table(both=9, first_only=0, second_only=0, neither=0)) is None
    assert agreement(Table(both=0, first_only=0, second_only=0, neither=0)) is None


def test_perfect_agreement_on_few_is_no_certainty() -> None:
    few, many = (kappa(Table(both=n, first_only=0, second_only=0, neither=n)) for n in (4, 400))
    assert few is not None
    assert many is not None
    assert (few.middle, few.end) == (1.0, 1.0)
    assert few.start < 0.7
    assert many.start > 0.97


def test_a_rater_of_one_word_agrees_by_chance_alone() -> None:
    found = kappa(Table(both=30, first_only=20, second_only=0, neither=0))
    assert found is not None
    assert found.middle == 0.0
    assert found.start < 0 < found.end


@pytest.mark.parametrize(("n", "agree", "yes"), [(30, 0.8, 0.5), (60, 0.9, 0.15)])
def test_the_interval_of_kappa_holds_about_as_often_as_it_says(n: int, agree: float, yes: float) -> None:
    """300 samples of raters whose true kappa is known: 95 % give or take four standard errors."""
    random = Random(5)
    apart = (1 - agree) / 2
    shares = [yes - apart, apart, apart, 1 - yes - apart]
    chance = yes * yes + (1 - yes) * (1 - yes)
    true = (agree - chance) / (1 - chance)
    held = 0
    for _ in range(300):
        drawn = random.choices(range(4), shares, k=n)
        found = kappa(Table(**dict(zip(Table.__slots__, map(drawn.count, range(4)), strict=True))))
        held += found is not None and found.start <= true <= found.end
    assert 0.90 <= held / 300 <= 0.995


def test_rank_correlation_of_known_ranks() -> None:
    rising = [(float(at), float(at * at)) for at in range(10)]
    found = rank_correlation(rising)
    assert found is not None
    assert found.middle == pytest.approx(1.0)
    published = [(106, 7), (100, 27), (86, 2), (101, 50), (99, 28), (103, 29), (97, 20), (113, 12), (112, 6), (110, 17)]
    found = rank_correlation([(float(one), float(other)) for one, other in published])
    assert found is not None
    assert found.middle == pytest.approx(-29 / 165)
    assert found.start < -0.7
    assert found.end > 0.4


def test_ties_share_their_rank_and_a_constant_has_none() -> None:
    assert rank_correlation([(1.0, 2.0)] * 10) is None
    assert rank_correlation([(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]) is None
    found = rank_correlation([(0.0, 0.0), (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), (1.0, 0.0)])
    assert found is not None
    assert found.middle == pytest.approx(2 / 3)


def test_pairs_are_counted() -> None:
    pairs = [(True, True), (True, False), (True, False), (False, True), (False, False)]
    assert tabulate(pairs) == Table(both=1, first_only=2, second_only=1, neither=1)
