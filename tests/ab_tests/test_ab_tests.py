"""A/B tests through the SDK, on both faces: what can be started, who gets which variant, what can be cancelled."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def models() -> list[str]:
    return ["echo-a", "echo-b"]


def start(call: Both, use_case: str, **given: object) -> str:
    key = f"{use_case}-test-{uuid4().hex[:6]}"
    arguments = {"feedback_key": f"{use_case}-thumbs", "models": ["echo-a", "echo-b"]} | given
    call("ab_tests.create", key, use_case=use_case, **arguments)
    return key


def test_a_new_test_warms_up_and_shows_no_figures(call: Both, use_case: str) -> None:
    test = call("ab_tests.get", start(call, use_case))
    assert (test.status, test.models, test.traffic_split, test.use_case) == (
        "warmup",
        ["echo-a", "echo-b"],
        1.0,
        use_case,
    )
    assert (test.report.p_value, test.report.winner, test.report.has_enough_feedbacks) == (None, None, False)
    assert [variant.interval for variant in test.report.variants] == [None, None]


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"models": ["echo-a"]}, tropism.UnprocessableEntityError, "length >= 2"),
        ({"models": ["echo-a", "echo-a"]}, tropism.UnprocessableEntityError, "each model once"),
        ({"models": ["echo-a", "echo-c"]}, tropism.NotFoundError, "not attached"),
        ({"models": ["echo-a", "nobody"]}, tropism.NotFoundError, "no model 'nobody'"),
        ({"traffic_split": 1.1}, tropism.UnprocessableEntityError, "<= 1"),
        ({"traffic_split": -0.1}, tropism.UnprocessableEntityError, ">= 0"),
        ({"feedback_key": "unknown"}, tropism.NotFoundError, "no feedback key"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    call: Both, use_case: str, given: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        start(call, use_case, **given)
    assert call("ab_tests.list", use_case=use_case) == []


def test_a_key_must_be_linked_and_a_test_key_is_taken_once(call: Both, use_case: str) -> None:
    call("feedback.register_key", other := f"other-{uuid4().hex}")
    with pytest.raises(tropism.UnprocessableEntityError, match="not linked"):
        start(call, use_case, feedback_key=other)
    key = start(call, use_case)
    with pytest.raises(tropism.ConflictError, match="already"):
        call("ab_tests.create", key, f"{use_case}-thumbs", ["echo-a", "echo-b"], use_case=use_case)


def test_traffic_is_split_evenly_and_a_user_stays_with_one_variant(client: Tropism, use_case: str) -> None:
    client.ab_tests.create(key := f"{use_case}-t", f"{use_case}-thumbs", ["echo-a", "echo-b"], use_case=use_case)
    users = [uuid4() for _ in range(60)]
    first = {user: client.chat.create(HELLO, user=user, use_case=use_case).choices[0] for user in users}
    again = {user: client.chat.create(HELLO, user=user, use_case=use_case).choices[0] for user in users}
    assert {user: choice.model for user, choice in first.items()} == {
        user: choice.model for user, choice in again.items()
    }
    shares = Counter(choice.model for choice in first.values())
    assert min(shares["echo-a"], shares["echo-b"]) >= 15  # below 15 of 60: less than one in 10,000
    assigned = {variant.variant: variant.assigned for variant in client.ab_tests.get(key).report.variants}
    assert assigned == {model: 2 * count for model, count in shares.items()}


def test_a_session_stays_with_one_variant(client: Tropism, use_case: str) -> None:
    client.ab_tests.create(f"{use_case}-t", f"{use_case}-thumbs", ["echo-a", "echo-b"], use_case=use_case)
    for _ in range(8):
        session = uuid4()
        answers = [client.chat.create(HELLO, session_id=session, use_case=use_case) for _ in range(3)]
        assert len({answer.choices[0].model for answer in answers}) == 1


def test_the_split_decides_who_takes_part(client: Tropism, use_case: str) -> None:
    test = f"{use_case}-t"
    client.ab_tests.create(test, f"{use_case}-thumbs", ["echo-a", "echo-b"], traffic_split=0.25, use_case=use_case)
    ids = [client.chat.create(HELLO, use_case=use_case).choices[0].completion_id for _ in range(80)]
    inside = [id for id in ids if client.interactions.get(id, use_case=use_case).ab_test == test]
    assert 5 <= len(inside) <= 40  # 20 expected; outside of this range: less than one in 10,000


def test_an_explicit_model_is_outside_unless_the_campaign_is_named(client: Tropism, use_case: str) -> None:
    test = f"{use_case}-t"
    client.ab_tests.create(test, f"{use_case}-thumbs", ["echo-a", "echo-b"], traffic_split=0.0, use_case=use_case)
    plain = client.chat.create(HELLO, model="echo-b", use_case=use_case).choices[0]
    forced = client.chat.create(HELLO, ab_campaign=test, use_case=use_case).choices[0]
    both = client.chat.create(HELLO, model="echo-b", ab_campaign=test, use_case=use_case).choices[0]
    found = {
        choice.completion_id: client.interactions.get(choice.completion_id, use_case=use_case)
        for choice in (plain, forced, both)
    }
    assert [found[choice.completion_id].ab_test for choice in (plain, forced, both)] == [None, test, test]
    assert both.model == "echo-b"


def test_a_campaign_that_does_not_run_is_refused(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.NotFoundError, match="no A/B test 'nothing' is running"):
        call("chat.create", HELLO, ab_campaign="nothing", use_case=use_case)


def test_in_a_preference_test_several_choices_come_from_several_variants(call: Both, use_case: str) -> None:
    start(call, use_case, feedback_type="preference")
    for _ in range(5):
        answer = call("chat.create", HELLO, n=2, use_case=use_case)
        assert {choice.model for choice in answer.choices} == {"echo-a", "echo-b"}


def test_cancelling_ends_a_test_once_and_keeps_its_report(call: Both, use_case: str) -> None:
    key = start(call, use_case)
    cancelled = call("ab_tests.cancel", key)
    assert (cancelled.status, cancelled.report.winner) == ("cancelled", None)
    assert cancelled.report.summary == "Cancelled. There was no feedback."
    assert cancelled.report.end_date is not None
    with pytest.raises(tropism.ConflictError, match="is cancelled already"):
        call("ab_tests.cancel", key)
    with pytest.raises(tropism.NotFoundError, match="is running"):
        call("chat.create", HELLO, ab_campaign=key, use_case=use_case)
    assert call("ab_tests.list", use_case=use_case, active=True) == []
    assert [test.key for test in call("ab_tests.list", use_case=use_case, status="cancelled")] == [key]


def test_a_model_in_a_running_test_cannot_be_detached(call: Both, use_case: str) -> None:
    key = start(call, use_case)
    with pytest.raises(tropism.ConflictError, match="cancel that first"):
        call("models.detach", "echo-b", use_case=use_case)
    call("ab_tests.cancel", key)
    call("models.detach", "echo-b", use_case=use_case)
    assert call("chat.create", HELLO, use_case=use_case).choices[0].model == "echo-a"
