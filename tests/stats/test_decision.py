"""How a test ends: by a winner, or without one when none worth having is left to find."""

from __future__ import annotations

from tropism.stats import PairCounts, Plan, Report, Sums, metric_report, preference_report


def coin(rate: float, total: int) -> Sums:
    ones = round(rate * total)
    return Sums(total, total, ones, total, ones, ones, total, ones, ones, ones)


def report(rates: list[float], total: int, default: int | None = 0, **settings: float) -> Report:
    plan = Plan(kind="bool", **settings)  # type: ignore[arg-type]
    return metric_report([coin(rate, total) for rate in rates], plan, default=default)


def test_a_test_goes_on_while_anything_may_still_be_found() -> None:
    assert report([0.3, 0.31], 1000, min_effect=0.03).decision == "continue"


def test_a_winner_ends_the_test() -> None:
    ended = report([0.3, 0.4], 1000)
    assert (ended.decision, ended.winner, ended.better_than_default) == ("winner", 1, (1.0, ended.p_value))


def test_the_default_may_win() -> None:
    ended = report([0.4, 0.3], 1000)
    assert (ended.decision, ended.winner, ended.better_than_default) == ("winner", 0, (1.0, 1.0))


def test_equal_variants_end_as_equivalent() -> None:
    assert report([0.3, 0.3], 9000, min_effect=0.03).decision == "equivalent"
    assert report([0.3, 0.3], 9000, default=None, min_effect=0.03).decision == "equivalent"
    assert report([0.3, 0.3], 9000).decision == "continue"


def test_a_challenger_that_cannot_reach_the_effect_is_futile() -> None:
    assert report([0.3, 0.28], 1200, min_effect=0.04).decision == "futile"
    assert report([0.3, 0.28], 1200, default=1, min_effect=0.04).decision == "continue"
    assert report([0.3, 0.28], 1200, default=None, min_effect=0.04).decision == "continue"


def test_one_hopeful_challenger_keeps_the_test_alive() -> None:
    assert report([0.3, 0.28, 0.31], 1200, min_effect=0.04).decision == "continue"
    assert report([0.3, 0.28, 0.28], 2000, min_effect=0.04).decision == "futile"


def test_the_maximum_ends_the_test_without_a_winner() -> None:
    assert report([0.3, 0.31], 999, max_feedbacks=1000).decision == "continue"
    assert report([0.3, 0.31], 1000, max_feedbacks=1000).decision == "max_feedbacks"
    assert report([0.3, 0.4], 1000, max_feedbacks=1000).decision == "winner"


def test_the_maximum_ends_a_test_that_never_warms_up() -> None:
    ended = report([0.0, 0.0], 1000, max_feedbacks=1000)
    assert (ended.decision, ended.has_enough_feedbacks, ended.p_value) == ("max_feedbacks", False, None)


def test_progress_is_the_share_of_the_maximum() -> None:
    assert report([0.3, 0.31], 250, max_feedbacks=1000).progress == 0.25
    assert report([0.3, 0.31], 5000, max_feedbacks=1000).progress == 1
    assert metric_report([coin(0.3, 90)] * 2, Plan(max_feedbacks=None)).progress is None


def test_at_the_maximum_the_best_of_those_better_than_the_default_is_taken() -> None:
    ended = report([0.3, 0.4, 0.405], 2000, max_feedbacks=2000)
    assert (ended.decision, ended.winner, ended.leader) == ("better_than_default", 2, 2)
    assert ended.p_value is not None
    assert ended.p_value > 0.05
    assert report([0.3, 0.4, 0.405], 2000, max_feedbacks=2001).decision == "continue"
    assert report([0.3, 0.4, 0.405], 2000, default=None, max_feedbacks=2000).decision == "max_feedbacks"


def test_two_good_challengers_end_the_test_once_neither_can_be_worth_more() -> None:
    assert report([0.3, 0.4, 0.401], 5000, min_effect=0.05).decision == "better_than_default"
    assert report([0.3, 0.4, 0.401], 1000, min_effect=0.05).decision == "continue"


def test_a_default_among_the_tied_best_is_not_replaced() -> None:
    ended = report([0.4, 0.4, 0.3], 2000, max_feedbacks=2000)
    assert (ended.decision, ended.winner) == ("max_feedbacks", None)


def test_preferences_end_in_the_same_ways() -> None:
    def decision(wins: int, losses: int, **settings: float) -> str:
        plan = Plan(**settings)  # type: ignore[arg-type]
        return preference_report(2, {(1, 0): PairCounts(wins, losses)}, plan, default=0).decision

    assert decision(600, 400) == "winner"
    assert decision(510, 490) == "continue"
    assert decision(510, 490, max_feedbacks=1000) == "max_feedbacks"
    assert decision(510, 490, max_feedbacks=1001) == "continue"
    assert decision(5000, 5000, min_effect=0.05, max_feedbacks=20_000) == "equivalent"
    assert decision(480, 520, min_effect=0.05) == "futile"
    assert decision(520, 480, min_effect=0.05) == "continue"


def test_the_sentence_says_how_it_stands() -> None:
    def sentence(rates: list[float], total: int, **settings: float) -> str:
        plan = Plan(kind="bool", **settings)  # type: ignore[arg-type]
        names = ["old", "new", "newer"][: len(rates)]
        return metric_report([coin(rate, total) for rate in rates], plan, default=0, names=names).sentence

    assert sentence([0.3, 0.4], 2000).startswith("new is better than old (difference 0.1, 95 % interval 0.0")
    assert "at most about 5 % of tests" in sentence([0.3, 0.4], 2000)
    assert sentence([0.3, 0.5, 0.4], 2000).startswith("new is better than every other variant; between")
    assert sentence([0.3, 0.31], 2000).startswith("No winner yet: new leads old (difference 0.01")
    assert sentence([0.3, 0.31], 2000).endswith("which chance alone explains easily.")
    assert sentence([0.3, 0.34], 2000).endswith(
        "and so strong a lead comes up in up to 16.9 % of tests of equal variants; it takes 5 % to win."
    )
    assert sentence([0.3, 0.31], 40) == "Warming up: 40 of about 50 feedbacks needed in the variant with the fewest."
    assert sentence([0.3, 0.3], 9000, min_effect=0.03) == "The variants are equivalent: no two differ by 0.03 or more."
    assert sentence([0.3, 0.28], 1200, min_effect=0.04) == "No variant can be better than old by 0.04 or more."
    assert sentence([0.3, 0.4, 0.41], 2000, max_feedbacks=2000).startswith("No variant beats all others, but newer is ")
    assert sentence([0.3, 0.31], 1000, max_feedbacks=1000).startswith(
        "The maximum of 1,000 feedbacks per variant is reached without a winner: new leads old (difference 0.01"
    )
    assert sentence([0.3, 0.31], 10, max_feedbacks=10) == (
        "The maximum of 10 feedbacks per variant is reached without a winner."
    )
