"""From feedback over HTTP to the end of a test: the figures equal those of `stats` on the logged data."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal
from uuid import UUID, uuid4

import pytest

from tropism import Tropism
from tropism.stats.metric import metric_report
from tropism.stats.pair_counts import PairCounts
from tropism.stats.plan import Plan
from tropism.stats.preference import preference_report
from tropism.stats.report import Report
from tropism.stats.sums import Sums, Unit
from tropism.wire.ab_tests import ABTest
from tropism.wire.interactions import Interaction, LoggedFeedback

HELLO = [{"role": "user", "content": "Hello"}]
MODELS = ["echo-a", "echo-b"]


def logged(client: Tropism, use_case: str, test: str) -> Iterator[Interaction]:
    return client.interactions.list_all(filters={"tags": [test]}, use_case=use_case)


def default_of(client: Tropism, use_case: str) -> str:
    return next(each.model.key for each in client.use_cases.get(use_case).model_services if each.is_default)


def sums_from_log(client: Tropism, use_case: str, test: str, reference: float) -> list[Sums]:
    """Each variant's sums, rebuilt from the log: one unit per user, or per completion where nobody is named."""
    values: dict[str, dict[UUID, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in logged(client, use_case, test):
        for feedback in each.direct_feedbacks:
            values[each.model or ""][each.user or each.id].append(feedback.value)
    return [Sums.of(Unit.of(unit, reference) for unit in values[model].values()) for model in MODELS]


def assert_same(shown: ABTest, counted: list[Sums], plan: Plan) -> None:
    expected = metric_report(counted, plan, default=0, names=MODELS)
    assert shown.report.feedbacks == expected.feedbacks
    if expected.p_value is None:
        assert shown.report.p_value is None
    else:
        assert shown.report.p_value == pytest.approx(expected.p_value, rel=1e-8)
    for variant, figures in zip(shown.report.variants, expected.variants, strict=True):
        assert (variant.feedbacks, variant.units) == (figures.feedbacks, figures.units)
        if figures.interval is None:
            assert variant.interval is None
        else:
            assert variant.interval is not None
            assert variant.interval.start == pytest.approx(figures.interval.start, rel=1e-8)
            assert variant.interval.end == pytest.approx(figures.interval.end, rel=1e-8)


def test_a_bool_test_ends_with_its_winner_deployed(client: Tropism, use_case: str) -> None:
    """`echo-b` pleases nine of ten, `echo-a` four: the test ends by itself, and `echo-b` is the default."""
    test, chance = f"{use_case}-t", random.Random(1)
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, auto_deploy=True, use_case=use_case)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        answer = client.chat.create(HELLO, use_case=use_case).choices[0]
        pleased = chance.random() < {"echo-a": 0.4, "echo-b": 0.9}[answer.model]
        client.feedback.log_metric(pleased, answer.completion_id, f"{use_case}-thumbs")
    done = client.ab_tests.get(test)
    assert (done.status, done.report.winner, done.report.outcome) == ("done", "echo-b", "winner")
    assert done.report.p_value is not None
    assert done.report.p_value <= 0.05
    assert_same(done, sums_from_log(client, use_case, test, 0.0), Plan(kind="bool"))
    assert default_of(client, use_case) == "echo-b"
    assert client.chat.create(HELLO, use_case=use_case).choices[0].model == "echo-b"


def test_feedback_after_the_end_changes_nothing(client: Tropism, use_case: str) -> None:
    test, key = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, key, MODELS, use_case=use_case)
    answers = [client.chat.create(HELLO, use_case=use_case).choices[0] for _ in range(6)]
    for answer in answers[:5]:
        client.feedback.log_metric(1, answer.completion_id, key)
    cancelled = client.ab_tests.cancel(test)
    client.feedback.log_metric(0, answers[5].completion_id, key)
    client.feedback.log_metric(0, answers[0].completion_id, key)
    assert client.ab_tests.get(test) == cancelled
    assert cancelled.report.feedbacks == 5


@pytest.mark.parametrize("mistyped", [1e9, 1e20, -1e30])
def test_a_mistyped_value_that_is_corrected_leaves_no_trace(client: Tropism, use_case: str, mistyped: float) -> None:
    """A sum that held it has no room for the digits of the others, and taking it out does not bring them back."""
    test, key, chance = f"{use_case}-t", f"{use_case}-stars", random.Random(3)
    client.ab_tests.create(test, key, MODELS, use_case=use_case)
    answers = [client.chat.create(HELLO, use_case=use_case).choices[0] for _ in range(150)]
    for answer in answers:
        value = 2.5 if answer is answers[0] else chance.gauss(3, 1)
        client.feedback.log_metric(value, answer.completion_id, key)
    client.feedback.log_metric(mistyped, answers[7].completion_id, key)
    client.feedback.log_metric(3.5, answers[7].completion_id, key)
    shown, counted = client.ab_tests.get(test), sums_from_log(client, use_case, test, 2.5)
    assert shown.report.has_enough_feedbacks
    assert_same(shown, counted, Plan(reference=2.5))


def test_scalar_feedback_of_returning_users_counts_by_user(client: Tropism, use_case: str) -> None:
    """Several values per user, some corrected: the user is the unit, and the last value counts."""
    test, key, chance = f"{use_case}-t", f"{use_case}-stars", random.Random(2)
    client.ab_tests.create(test, key, MODELS, use_case=use_case)
    first: float | None = None
    for user in [uuid4() for _ in range(130)]:
        for _ in range(chance.randint(1, 3)):
            answer = client.chat.create(HELLO, user=user, use_case=use_case).choices[0]
            value = chance.gauss(3.0, 1.0)
            client.feedback.log_metric(value, answer.completion_id, key, user=user)
            first = value if first is None else first
            if chance.random() < 0.3:
                client.feedback.log_metric(value + 1, answer.completion_id, key, user=user)
    assert first is not None
    shown = client.ab_tests.get(test)
    counted = sums_from_log(client, use_case, test, first)
    assert shown.report.feedbacks > sum(variant.units for variant in shown.report.variants) == 130
    assert_same(shown, counted, Plan(reference=first))


def test_lower_is_better_promotes_the_lower(client: Tropism, use_case: str) -> None:
    test, key, chance = f"{use_case}-t", f"{use_case}-seconds", random.Random(3)
    client.feedback.register_key(key, scoring_type="lower_is_better")
    client.feedback.link(key, use_case=use_case)
    client.ab_tests.create(test, key, MODELS, auto_deploy=True, use_case=use_case)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        answer = client.chat.create(HELLO, use_case=use_case).choices[0]
        seconds = chance.gauss({"echo-a": 9.0, "echo-b": 7.0}[answer.model], 1.0)
        client.feedback.log_metric(seconds, answer.completion_id, key)
    done = client.ab_tests.get(test)
    assert done.report.winner == "echo-b"
    a, b = (variant.interval for variant in done.report.variants)
    assert a is not None
    assert b is not None
    assert b.middle < a.middle
    assert default_of(client, use_case) == "echo-b"


def test_a_preference_test_ends_with_the_preferred_one(client: Tropism, use_case: str) -> None:
    test, key, chance = f"{use_case}-t", f"{use_case}-thumbs", random.Random(4)
    client.ab_tests.create(test, key, MODELS, feedback_type="preference", auto_deploy=True, use_case=use_case)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        a, b = sorted(client.chat.create(HELLO, n=2, use_case=use_case).choices, key=lambda choice: choice.model)
        tie = chance.choice(["good", "bad"]) if chance.random() < 0.2 else None
        better, other = (b, a) if chance.random() < 0.8 else (a, b)
        client.feedback.log_preference(key, better.completion_id, other.completion_id, tied=tie, use_case=use_case)  # type: ignore[arg-type]
    done = client.ab_tests.get(test)
    assert (done.report.winner, done.status) == ("echo-b", "done")
    seen = done.report.variants[1].comparisons[0]
    counted: dict[str, int] = defaultdict(int)
    models = {each.id: each.model for each in logged(client, use_case, test)}
    comparisons = {c.id: c for each in logged(client, use_case, test) for c in each.comparison_feedbacks}
    for each in comparisons.values():
        won = "wins" if models[each.preferred_completion_id] == "echo-b" else "losses"
        counted[f"ties_{each.tied}" if each.tied else won] += 1
    counts = PairCounts(counted["wins"], counted["losses"], counted["ties_good"], counted["ties_bad"])
    assert (seen.wins, seen.losses, seen.ties_good, seen.ties_bad) == (
        counts.wins,
        counts.losses,
        counts.ties_good,
        counts.ties_bad,
    )
    expected = preference_report(2, {(1, 0): counts}, Plan(), default=0, names=MODELS)
    assert done.report.p_value == pytest.approx(expected.p_value, rel=1e-8)
    assert default_of(client, use_case) == "echo-b"


def test_a_preference_that_is_changed_counts_once(client: Tropism, use_case: str) -> None:
    test, key = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, key, MODELS, feedback_type="preference", use_case=use_case)
    a, b = sorted(client.chat.create(HELLO, n=2, use_case=use_case).choices, key=lambda choice: choice.model)
    client.feedback.log_preference(key, a.completion_id, b.completion_id, use_case=use_case)
    client.feedback.log_preference(key, b.completion_id, a.completion_id, use_case=use_case)
    seen = client.ab_tests.get(test).report.variants[1].comparisons[0]
    assert (seen.wins, seen.losses, seen.feedbacks) == (1, 0, 1)
    client.feedback.log_preference(key, a.completion_id, b.completion_id, tied="bad", use_case=use_case)
    seen = client.ab_tests.get(test).report.variants[1].comparisons[0]
    assert (seen.wins, seen.losses, seen.ties_bad, seen.feedbacks) == (0, 0, 1, 1)


def test_feedback_from_outside_never_counts(client: Tropism, use_case: str) -> None:
    """A completion from outside the test, another key, a key of the other kind of feedback: stored, not counted."""
    test, key = f"{use_case}-t", f"{use_case}-thumbs"
    outside = client.chat.create(HELLO, use_case=use_case).choices[0]
    client.ab_tests.create(test, key, MODELS, use_case=use_case)
    named = client.chat.create(HELLO, model="echo-b", use_case=use_case).choices[0]
    inside = client.chat.create(HELLO, use_case=use_case).choices[0]
    for completion in (outside, named):
        client.feedback.log_metric(1, completion.completion_id, key)
    client.feedback.log_metric(5, inside.completion_id, f"{use_case}-stars")
    client.feedback.log_preference(key, inside.completion_id, named.completion_id, use_case=use_case)
    assert client.ab_tests.get(test).report.feedbacks == 0


def test_completions_made_elsewhere_count_with_their_campaign(client: Tropism, use_case: str) -> None:
    test, key = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, key, MODELS, use_case=use_case)
    given = [LoggedFeedback(feedback_key=key, value=1)]
    client.interactions.create("Hi", "echo-b", prompt="Hello", feedbacks=given, ab_campaign=test, use_case=use_case)
    variant = client.ab_tests.get(test).report.variants[1]
    assert (variant.feedbacks, variant.assigned) == (1, 1)


def test_a_test_ends_once_however_many_give_feedback_at_once(client: Tropism, use_case: str) -> None:
    """Eight threads race over the end; every feedback that came before it is in the figures, none after."""
    test, key, chance = f"{use_case}-t", f"{use_case}-thumbs", random.Random(5)
    client.ab_tests.create(test, key, MODELS, auto_deploy=True, use_case=use_case)
    completions = [client.chat.create(HELLO, use_case=use_case).choices[0] for _ in range(220)]
    values = [(each, chance.random() < {"echo-a": 0.25, "echo-b": 0.8}[each.model]) for each in completions]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda given: client.feedback.log_metric(given[1], given[0].completion_id, key), values))
    done = client.ab_tests.get(test)
    assert (done.status, done.report.winner) == ("done", "echo-b")
    assert done.report.feedbacks <= len(values)
    assert default_of(client, use_case) == "echo-b"
    assert client.ab_tests.get(test) == done


def test_a_user_who_compares_several_pairs_of_three_is_one_user(client: Tropism, use_case: str) -> None:
    """Users see all three answers and compare two pairs of them; some change their minds, some find a pair even."""
    test, key, chance = f"{use_case}-t", f"{use_case}-thumbs", random.Random(5)
    models = [*MODELS, "echo-c"]
    client.models.attach("echo-c", wait=True, use_case=use_case)
    client.ab_tests.create(test, key, models, feedback_type="preference", use_case=use_case)
    for user in [uuid4() for _ in range(60)]:
        choices = sorted(
            client.chat.create(HELLO, n=3, user=user, use_case=use_case).choices, key=lambda choice: choice.model
        )
        for pair in ((choices[0], choices[1]), (choices[2], choices[0])):
            one, two = (choice.completion_id for choice in chance.sample(pair, 2))
            tie: Literal["good"] | None = "good" if chance.random() < 0.1 else None
            client.feedback.log_preference(key, one, two, user=user, tied=tie, use_case=use_case)
            if chance.random() < 0.2:
                client.feedback.log_preference(key, two, one, user=user, use_case=use_case)
    shown, expected = client.ab_tests.get(test).report, three_from_log(client, use_case, test, models)
    assert shown.has_enough_feedbacks
    for variant, figures in zip(shown.variants, expected.variants, strict=True):
        assert (variant.feedbacks, variant.units) == (figures.feedbacks, figures.units)
        assert variant.units <= 60
        assert variant.interval is not None
        assert figures.interval is not None
        assert variant.interval.start == pytest.approx(figures.interval.start, rel=1e-8)
        assert variant.interval.end == pytest.approx(figures.interval.end, rel=1e-8)
    assert shown.p_value == pytest.approx(expected.p_value, rel=1e-8)


def three_from_log(client: Tropism, use_case: str, test: str, models: list[str]) -> Report:
    """The report of a preference test, rebuilt from the log."""
    of = {each.id: models.index(each.model or "") for each in logged(client, use_case, test)}
    comparisons = {c.id: c for each in logged(client, use_case, test) for c in each.comparison_feedbacks}
    pairs: dict[tuple[int, int], PairCounts] = defaultdict(PairCounts)
    votes: list[dict[UUID, list[float]]] = [defaultdict(list) for _ in models]
    for each in comparisons.values():
        won, lost = of[each.preferred_completion_id], of[each.other_completion_id]
        pairs[won, lost] += PairCounts(ties_good=1) if each.tied else PairCounts(wins=1)
        assert each.user is not None
        if each.tied is None:
            votes[won][each.user].append(1)
            votes[lost][each.user].append(-1)
    users = [Sums.of(map(Unit.of, by_user.values())) for by_user in votes]
    return preference_report(len(models), pairs, Plan(), default=0, names=models, users=users)
