"""A small seeded cut of benchmarks/ab_validity: error rates, power and coverage with a look after every feedback."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import pytest

from tropism.stats import PairCounts, Plan, Report, Sums, Unit, metric_report, preference_report, sample_ratio

Law = Callable[[random.Random], float]


def bool_03(draw: random.Random) -> float:
    return float(draw.random() < 0.3)


def bool_10(draw: random.Random) -> float:
    return float(draw.random() < 0.1)


def normal(draw: random.Random) -> float:
    return draw.gauss(0, 1)


def lognormal(draw: random.Random) -> float:
    return draw.lognormvariate(0, 1)


def looks(draw: random.Random, laws: list[Law], total: int, first_share: float = 0.5) -> Iterator[list[Sums]]:
    """The sums of a test after each feedback, from the hundredth one on."""
    sums = [Sums() for _ in laws]
    for turn in range(total):
        i = turn % len(laws) if first_share == 0.5 else int(draw.random() >= first_share)
        sums[i] = sums[i].add(Unit(1, laws[i](draw)))
        if turn >= 100:
            yield sums


def plan_for(law: Law) -> Plan:
    return Plan(kind="bool" if law in (bool_03, bool_10) else "scalar")


def polled_t_test(one: Sums, other: Sums) -> bool:
    errors = [(s.ss - s.s**2 / s.n) / s.n**2 for s in (one, other)]
    return abs(one.s / one.n - other.s / other.n) > 1.96 * math.sqrt(sum(errors)) > 0


def false_winners(law: Law, tests: int, total: int, share: float = 0.5) -> tuple[int, int]:
    """Tests of two equal variants in which our report, and a polled t-test, ever names a winner."""
    draw, plan, ours, polled = random.Random(1), plan_for(law), 0, 0
    for _ in range(tests):
        seen = [
            (metric_report(s, plan).winner is not None, polled_t_test(*s)) for s in looks(draw, [law] * 2, total, share)
        ]
        ours, polled = ours + any(mine for mine, _ in seen), polled + any(theirs for _, theirs in seen)
    return ours, polled


@pytest.mark.parametrize("law", [bool_03, normal, lognormal])
def test_equal_variants_seldom_have_a_winner(law: Law) -> None:
    ours, polled = false_winners(law, tests=40, total=450)
    assert ours <= 3
    assert polled >= 5


@pytest.mark.parametrize("law", [bool_10, lognormal])
def test_a_90_to_10_split_does_not_change_that(law: Law) -> None:
    ours, polled = false_winners(law, tests=40, total=500, share=0.9)
    assert ours <= 2
    assert polled >= 5


def test_three_equal_variants_seldom_have_a_winner() -> None:
    draw, plan = random.Random(2), Plan(kind="scalar")
    won = [any(metric_report(s, plan).winner is not None for s in looks(draw, [normal] * 3, 400)) for _ in range(25)]
    assert sum(won) <= 1


def test_equal_variants_seldom_win_by_preference() -> None:
    draw, plan, ours, polled = random.Random(3), Plan(max_feedbacks=None), 0, 0
    for _ in range(25):
        counts, mine, theirs = PairCounts(), False, False
        for _ in range(250):
            toss = draw.random()
            counts += PairCounts(int(toss < 0.35), int(0.35 <= toss < 0.7), int(0.7 <= toss < 0.8), int(toss >= 0.8))
            mine = mine or preference_report(2, {(0, 1): counts}, plan).winner is not None
            theirs = theirs or (counts.wins - counts.losses) ** 2 > 1.96**2 * max(counts.decisive, 20)
        ours, polled = ours + mine, polled + theirs
    assert ours <= 2
    assert polled >= 5


def until_decided(draw: random.Random, laws: list[Law], total: int) -> tuple[int, Report]:
    for sums in looks(draw, laws, total):
        report = metric_report(sums, Plan(kind="bool"))
        if report.winner is not None:
            break
    return report.feedbacks, report


def test_a_true_effect_is_found_about_as_soon_as_by_a_test_of_fixed_size() -> None:
    """Rates .30 and .45: a fixed test needs 160 per variant for 80 % power."""
    draw = random.Random(4)
    ended = [until_decided(draw, [bool_03, lambda d: float(d.random() < 0.45)], 2000) for _ in range(50)]
    needed = sorted(feedbacks / 2 / 160 for feedbacks, _ in ended)
    assert needed[25] <= 1.2
    assert needed[40] <= 1.9
    assert {report.winner for _, report in ended} == {1}


def covered(report: Report, mean: float) -> bool:
    shown = [each.interval for each in report.variants if each.interval]
    gaps = [each.effect for each in report.comparisons if each.effect]
    return all(i.start <= mean <= i.end for i in shown) and all(i.start <= 0 <= i.end for i in gaps)


@pytest.mark.parametrize(("law", "mean", "kind"), [(bool_03, 0.3, "bool"), (normal, 0.0, "scalar")])
def test_all_shown_intervals_cover_the_truth_at_every_look(law: Law, mean: float, kind: str) -> None:
    """Both variants' and the difference's together: each alone misses in at most one test in twenty."""
    draw, plan = random.Random(5), Plan(kind="bool" if kind == "bool" else "scalar")
    missed = [not all(covered(metric_report(s, plan), mean) for s in looks(draw, [law] * 2, 350)) for _ in range(30)]
    assert sum(missed) <= 5


def test_users_who_stay_with_their_variant_and_vote_often_do_not_make_a_winner() -> None:
    """Thirty feedbacks per user, half of the variance between users."""
    draw, ours, naive = random.Random(6), 0, 0
    for _ in range(30):
        clustered, single = [Sums(), Sums()], [Sums(), Sums()]
        seen = []
        for turn in range(200):
            taste = draw.gauss(0, 1)
            values = [taste + draw.gauss(0, 1) for _ in range(30)]
            clustered[turn % 2] = clustered[turn % 2].add(Unit.of(values))
            single[turn % 2] += Sums.of(Unit(1, value) for value in values)
            seen.append(
                tuple(metric_report(s, Plan(max_feedbacks=None)).winner is not None for s in (clustered, single))
            )
        ours, naive = ours + any(mine for mine, _ in seen), naive + any(theirs for _, theirs in seen)
    assert ours <= 2
    assert naive >= 10


def test_late_feedback_in_any_order_does_not_make_a_winner() -> None:
    """Exponential delays, ten times as long for a 0, in both variants alike: feedback comes in an order of its own.

    A look after every fourth.
    """
    draw, plan, ours, polled = random.Random(7), plan_for(bool_03), 0, 0
    for _ in range(20):
        comes = []
        for turn in range(450):
            value = bool_03(draw)
            comes.append((turn + draw.expovariate(1 / 50) * (1 if value else 10), draw.randrange(2), value))
        sums, seen = [Sums(), Sums()], []
        for count, (_, i, value) in enumerate(sorted(comes)):
            sums[i] = sums[i].add(Unit(1, value))
            if count >= 100 and count % 4 == 0:
                seen.append((metric_report(sums, plan).winner is not None, polled_t_test(*sums)))
        ours, polled = ours + any(mine for mine, _ in seen), polled + any(theirs for _, theirs in seen)
    assert ours <= 2
    assert polled >= 4


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1), (1 / 3, 1 / 3, 1 / 3)])
def test_a_sound_split_raises_no_alarm_and_a_variant_that_loses_users_does(shares: tuple[float, ...]) -> None:
    """A look after every user. Of the sound splits one in a hundred may; the broken ones lose half of the last one."""
    draw, alarms = random.Random(8), [0, 0]
    for kept in (1.0, 0.5):
        weights = [*shares[:-1], shares[-1] * kept]
        for _ in range(30):
            counts, alarm = [0] * len(shares), False
            for i in draw.choices(range(len(shares)), weights, k=2_500):
                counts[i] += 1
                alarm = alarm or sample_ratio(counts, shares).alarm
            alarms[kept < 1] += alarm
    assert alarms[0] <= 2
    assert alarms[1] >= 25
