"""The preference report: exact evidence, ties carried but not counted, and no winner out of a cycle."""

from __future__ import annotations

import math
import random

import pytest

from tropism.stats import PairCounts, Plan, Report, Sums, Unit, preference_report
from tropism.stats.beta import share_interval


def two(wins: int, losses: int, good: int = 0, bad: int = 0, plan: Plan | None = None) -> Report:
    return preference_report(2, {(0, 1): PairCounts(wins, losses, good, bad)}, plan or Plan())


def disagreements(report: Report, alpha: float = 0.05) -> list[str]:
    found = []
    for each in report.comparisons:
        assert each.effect is not None
        assert each.p_value is not None
        decided = each.p_value <= alpha
        inside = each.effect.start <= 0.5 <= each.effect.end
        if decided == inside or decided != (each.verdict != "undecided"):
            found.append(f"{each}")
        if not 0 <= each.effect.start <= each.effect.middle <= each.effect.end <= 1:
            found.append(f"order {each}")
        if decided and (each.verdict == "better") != (each.effect.middle > 0.5):
            found.append(f"direction {each}")
    beats_all = all(each.verdict == "better" for each in report.comparisons if each.variant == report.leader)
    assert report.p_value is not None
    if not (report.p_value <= alpha) == (report.decision == "winner") == beats_all:
        found.append(f"winner {report}")
    return found


@pytest.mark.parametrize("variants", [2, 3, 5])
def test_p_interval_verdict_and_decision_never_disagree(variants: int) -> None:
    draw = random.Random(variants)
    winners = 0
    for _ in range(500):
        strength = [draw.uniform(0.5, 2) for _ in range(variants)]
        pairs = {}
        for i in range(variants):
            for j in range(i):
                total, win = draw.randint(20, 500), strength[i] / (strength[i] + strength[j])
                wins = sum(draw.random() < win for _ in range(total // 10)) * 10
                pairs[i, j] = PairCounts(wins, total - wins, draw.randint(0, 50), draw.randint(0, 50))
        report = preference_report(variants, pairs, Plan(max_feedbacks=None))
        assert disagreements(report) == []
        winners += report.decision == "winner"
    assert 0.05 < winners / 500 < 0.95


def test_they_agree_in_every_single_state_near_the_boundary() -> None:
    for wins in range(20, 400, 11):
        for losses in range(20, 400, 11):
            assert disagreements(two(wins, losses, 3, 4)) == []


def test_the_p_value_is_the_published_one() -> None:
    e = 2**100 * math.exp(
        math.lgamma(75) + math.lgamma(45) - math.lgamma(120) - (2 * math.lgamma(10) - math.lgamma(20))
    )
    assert two(65, 35).p_value == pytest.approx(1 / e, rel=1e-9)


@pytest.mark.parametrize("variants", [2, 3, 5])
def test_the_interval_is_the_inversion_of_p(variants: int) -> None:
    """The ends of theta are the shares that the same evidence would reject at the level of one pair."""
    pairs = {(i, j): PairCounts(300, 200) for i in range(variants) for j in range(i)}
    report = preference_report(variants, pairs, Plan(max_feedbacks=None))
    effect = next(each.effect for each in report.comparisons if (each.variant, each.other) == (1, 0))
    assert effect is not None
    many = share_interval(500, 0, 0.1 / variants, 0.5)[0]  # no ties seen: the decisive share is at least this
    low, high = share_interval(300, 200, 0.1 / variants, 10)
    assert (effect.start, effect.end) == pytest.approx((0.5 + (low - 0.5) * many, high), rel=1e-9)


def test_ties_do_not_change_the_evidence_but_the_win_rate() -> None:
    plain, tied = two(65, 35), two(65, 35, 100, 200)
    assert tied.p_value == plain.p_value
    middles = [report.comparisons[0].effect.middle for report in (plain, tied) if report.comparisons[0].effect]
    assert middles == pytest.approx([0.65, (65 + 150) / 400])
    counts = tied.comparisons[0].counts
    assert counts is not None
    assert (counts.ties_good, counts.ties_bad, tied.feedbacks) == (100, 200, 400)


def test_a_few_ties_do_not_look_like_certainty() -> None:
    effect = two(0, 0, 10, 10, Plan(min_effect=0.05)).comparisons[0].effect
    assert effect is not None
    assert effect.end - effect.start > 0.2
    assert two(0, 0, 10, 10, Plan(min_effect=0.05)).decision == "continue"
    assert two(0, 0, 300, 300, Plan(min_effect=0.05)).decision == "equivalent"


def test_the_order_in_which_a_pair_is_given_does_not_matter() -> None:
    one = preference_report(2, {(0, 1): PairCounts(60, 30, 4, 5)}, Plan())
    other = preference_report(2, {(1, 0): PairCounts(30, 60, 4, 5)}, Plan())
    split = preference_report(2, {(0, 1): PairCounts(40, 10, 4), (1, 0): PairCounts(20, 20, 0, 5)}, Plan())
    assert one == other == split


def test_a_cycle_has_no_winner() -> None:
    pairs = {(0, 1): PairCounts(300, 100), (1, 2): PairCounts(300, 100), (2, 0): PairCounts(300, 100)}
    report = preference_report(3, pairs, Plan())
    assert (report.decision, report.p_value) == ("continue", 1)
    assert sum(each.verdict == "better" for each in report.comparisons) == 3


def test_the_one_that_beats_every_other_leads_whatever_its_pooled_win_rate() -> None:
    pairs = {(0, 1): PairCounts(120, 80), (0, 2): PairCounts(120, 80), (1, 2): PairCounts(4000, 10)}
    report = preference_report(3, pairs, Plan())
    assert report.leader == 0
    assert report.variants[1].interval is not None
    assert report.variants[0].interval is not None
    assert report.variants[1].interval.middle > report.variants[0].interval.middle


def test_nothing_is_shown_before_twenty_comparisons_per_variant() -> None:
    assert not two(19, 0).has_enough_feedbacks
    assert two(19, 0).comparisons[0].effect is None
    assert two(20, 0).decision == "winner"


def test_a_variant_without_comparisons_is_warm_up() -> None:
    report = preference_report(3, {(0, 1): PairCounts(500, 100)}, Plan())
    assert (report.has_enough_feedbacks, report.p_value, report.leader) == (False, None, 0)


def test_the_lower_is_better_of_a_key_does_not_turn_preferences_round() -> None:
    assert two(90, 10, plan=Plan(lower_is_better=True)).winner == 0


def voters(users: int, each: int, share: float) -> PairCounts:
    """Users of one mind each: a share of them always prefers the first."""
    wins = round(users * share)
    sums = Sums.of([Unit(each, float(each))] * wins + [Unit(each, -float(each))] * (users - wins))
    return PairCounts(wins * each, (users - wins) * each, users=sums)


def test_repeated_votes_of_few_users_are_no_evidence() -> None:
    counts = voters(60, 20, 0.6)
    clustered = preference_report(2, {(0, 1): counts}, Plan())
    naive = preference_report(2, {(0, 1): PairCounts(counts.wins, counts.losses)}, Plan())
    assert naive.decision == "winner"
    assert clustered.decision == "continue"
    assert disagreements(clustered) == []
    assert clustered.notes == ("clustered_units", "asymptotic")


def test_users_of_one_mind_are_not_certainty() -> None:
    assert not preference_report(2, {(0, 1): voters(49, 20, 1.0)}, Plan()).has_enough_feedbacks
    report = preference_report(2, {(0, 1): voters(50, 20, 1.0)}, Plan())
    assert report.p_value is not None
    assert 1e-9 < report.p_value < 1e-3


def test_a_pair_with_few_users_is_undecided_though_others_are_not() -> None:
    """49 users of one mind with one comparison each would decide; with two each they are too few for their own test."""
    pairs = {(0, 1): voters(49, 2, 1.0), (0, 2): voters(200, 2, 0.5), (1, 2): voters(200, 2, 0.5)}
    report = preference_report(3, pairs, Plan())
    assert report.has_enough_feedbacks
    assert report.comparisons[0].p_value == 1
    assert report.comparisons[0].effect is not None
    assert report.comparisons[0].effect.start < 0.5
    assert disagreements(report) == []


def test_the_interval_of_users_is_as_wide_as_their_number_says() -> None:
    twice, once = (preference_report(2, {(0, 1): voters(1000, n, 0.5)}, Plan()).comparisons[0].effect for n in (2, 1))
    assert twice is not None
    assert once is not None
    assert twice.end - twice.start == pytest.approx(once.end - once.start, rel=0.1)


def test_many_users_decide() -> None:
    report = preference_report(2, {(1, 0): voters(900, 3, 0.6)}, Plan())
    assert report.winner == 1
    assert disagreements(report) == []


def test_users_with_one_comparison_each_give_the_exact_figures() -> None:
    counts = voters(200, 1, 0.6)
    assert preference_report(2, {(0, 1): counts}, Plan()).p_value == two(120, 80).p_value


def test_replicas_merge_with_or_without_users() -> None:
    alone = PairCounts(3, 1, 2)
    assert (alone + alone).users is None
    merged = alone + voters(10, 2, 0.5)
    assert merged.users == Sums.of([Unit(1, 1.0)] * 3 + [Unit(1, -1.0)] + [Unit(2, 2.0)] * 5 + [Unit(2, -2.0)] * 5)
    assert merged.flipped().flipped() == merged


@pytest.mark.parametrize("pair", [(0, 0), (0, 2), (-1, 0)])
def test_a_pair_must_be_of_two_variants_of_the_test(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        preference_report(2, {pair: PairCounts(1)}, Plan())


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError):
        PairCounts(-1)
    with pytest.raises(ValueError):
        PairCounts(2, 0, users=Sums.of([Unit(1, 1.0)]))


def of_one_mind(users: int, share: float) -> list[Sums]:
    """Per variant, the sums over users who compare every pair of three once; a share of them always has 0 > 1 > 2."""
    wins = round(users * share)
    return [
        Sums.of([Unit(2, float(sign * score)) for sign in [1] * wins + [-1] * (users - wins)]) for score in (2, 0, -2)
    ]


def test_a_user_who_compares_in_several_pairs_is_one_user() -> None:
    users, share = 200, 0.6
    wins = round(users * share)
    pairs = {pair: PairCounts(wins, users - wins) for pair in ((0, 1), (0, 2), (1, 2))}
    plain = preference_report(3, pairs, Plan())
    whole = preference_report(3, pairs, Plan(), users=of_one_mind(users, share))
    assert [each.units for each in whole.variants] == [users] * 3
    assert whole.comparisons == plain.comparisons
    assert (plain.notes, whole.notes) == (
        ("k_correction", "exact_counts"),
        ("k_correction", "clustered_units", "asymptotic"),
    )
    for narrow, wide in zip(plain.variants[::2], whole.variants[::2], strict=True):
        assert narrow.interval is not None
        assert wide.interval is not None
        assert wide.interval.end - wide.interval.start > 1.2 * (narrow.interval.end - narrow.interval.start)


def test_users_that_are_not_those_of_the_pairs_are_refused() -> None:
    pairs = {pair: PairCounts(30, 20) for pair in ((0, 1), (0, 2), (1, 2))}
    with pytest.raises(ValueError, match="not those counted"):
        preference_report(3, pairs, Plan(), users=of_one_mind(50, 0.5))


def test_intervals_over_several_pairs_cover_the_truth_where_users_vote_in_all_of_them() -> None:
    """Each user has a taste for or against the first of three and compares it with both others."""
    draw, missed, naive = random.Random(9), 0, 0
    for _ in range(40):
        pairs = {pair: PairCounts() for pair in ((0, 1), (0, 2), (1, 2))}
        users = [Sums(), Sums(), Sums()]
        seen: list[tuple[bool, bool]] = []
        for turn in range(250):
            won = 2 if draw.random() < 0.5 else -2
            pairs[0, 1] += PairCounts(int(won > 0), int(won < 0))
            pairs[0, 2] += PairCounts(int(won > 0), int(won < 0))
            users = [users[0].add(Unit(2, won)), *(each.add(Unit(1, -won / 2)) for each in users[1:])]
            if turn % 10 == 9 and turn >= 50:
                pairs[1, 2] += PairCounts(1, 1)
                users[1:] = [each.add(Unit(2, 0)) for each in users[1:]]
                intervals = [
                    preference_report(3, pairs, Plan(), users=given).variants[0].interval for given in (users, None)
                ]
                seen.append(tuple(i is None or i.start <= 0.5 <= i.end for i in intervals))  # type: ignore[arg-type]
        missed, naive = missed + any(not ours for ours, _ in seen), naive + any(not theirs for _, theirs in seen)
    assert missed <= 3
    assert naive > missed
