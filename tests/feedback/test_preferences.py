"""Preferences between two completions, by their ids or as texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism

MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Q"}]
A, B = {"model": "echo-a", "text": "first"}, {"model": "echo-b", "text": "second"}


@pytest.fixture
def new(client: Tropism, use_case: str) -> Callable[[], UUID]:
    return lambda: client.interactions.create("A", prompt="Q", use_case=use_case).completion_id


def compared(client: Tropism, id: UUID, use_case: str) -> list[Any]:
    return client.interactions.get(id, use_case=use_case).comparison_feedbacks


def test_a_preference_is_shown_with_both_sides(
    call: Both, client: Tropism, use_case: str, new: Callable[[], UUID]
) -> None:
    one, two, user = new(), new(), uuid4()
    kept = call("feedback.log_preference", f"{use_case}-stars", one, str(two), user, use_case=use_case)
    assert (kept.preferred_completion_id, kept.other_completion_id) == (one, two)
    assert (kept.feedback_key, kept.user, kept.tied) == (f"{use_case}-stars", user, None)
    assert compared(client, one, use_case) == compared(client, two, use_case) == [kept]


@pytest.mark.parametrize("tied", ["good", "bad"])
def test_a_tie_says_whether_both_are_good(
    call: Both, client: Tropism, use_case: str, new: Callable[[], UUID], tied: Any
) -> None:
    one, two = new(), new()
    kept = call("feedback.log_preference", f"{use_case}-stars", one, two, tied=tied, use_case=use_case)
    assert kept.tied == tied
    assert [each.tied for each in compared(client, two, use_case)] == [tied]


def test_the_same_user_changes_their_mind_and_others_add(
    call: Both, client: Tropism, use_case: str, new: Callable[[], UUID]
) -> None:
    one, two, ada, stars = new(), new(), uuid4(), f"{use_case}-stars"
    first = call("feedback.log_preference", stars, one, two, ada, use_case=use_case)
    again = call("feedback.log_preference", stars, two, one, ada, use_case=use_case)
    assert again.id == first.id
    assert (again.preferred_completion_id, again.other_completion_id) == (two, one)
    call("feedback.log_preference", stars, one, two, use_case=use_case)
    call("feedback.log_preference", stars, one, two, tied="bad", use_case=use_case)
    call("feedback.log_preference", f"{use_case}-thumbs", one, two, ada, use_case=use_case)
    found = [(each.feedback_key, each.preferred_completion_id, each.tied) for each in compared(client, one, use_case)]
    assert sorted(found, key=str) == sorted(
        [(stars, two, None), (stars, one, "bad"), (f"{use_case}-thumbs", one, None)], key=str
    )


@pytest.mark.parametrize("prompt", [{"prompt": "Q"}, {"messages": MESSAGES}])
def test_texts_are_logged_as_interactions(call: Both, client: Tropism, use_case: str, prompt: dict[str, Any]) -> None:
    user = uuid4()
    kept = call("feedback.log_preference", f"{use_case}-stars", A, B, user, use_case=use_case, **prompt)
    sides = [
        client.interactions.get(id, use_case=use_case)
        for id in (kept.preferred_completion_id, kept.other_completion_id)
    ]
    assert [(side.model, side.completion) for side in sides] == [("echo-a", "first"), ("echo-b", "second")]
    assert [side.user for side in sides] == [user, user]
    assert sides[0].messages == sides[1].messages
    assert [message.content for message in sides[0].messages][-1] == "Q"
    assert client.interactions.list(use_case=use_case).total_count == 2


def test_a_text_may_stand_against_a_completion(
    call: Both, client: Tropism, use_case: str, new: Callable[[], UUID]
) -> None:
    one = new()
    kept = call("feedback.log_preference", f"{use_case}-stars", one, B, prompt="Q", use_case=use_case)
    assert kept.preferred_completion_id == one
    assert client.interactions.get(kept.other_completion_id, use_case=use_case).completion == "second"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"preferred_completion": A, "other_completion": B}, "prompt"),
        ({"preferred_completion": A, "other_completion": B, "prompt": "Q", "messages": MESSAGES}, "prompt"),
        ({"preferred_completion": A, "other_completion": B, "messages": []}, "messages"),
        ({"preferred_completion": A, "other_completion": {"text": "x"}, "prompt": "Q"}, "other_completion.model"),
        ({"preferred_completion": "no-id", "other_completion": B, "prompt": "Q"}, "preferred_completion"),
        ({"preferred_completion": A, "other_completion": B, "prompt": "Q", "tied": "maybe"}, "tied"),
        ({"preferred_completion": A, "other_completion": B, "prompt": "Q", "user": "me"}, "user_id"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    client: Tropism, use_case: str, given: dict[str, Any], param: str
) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.feedback.log_preference(f"{use_case}-stars", use_case=use_case, **given)
    assert caught.value.param == param
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_a_failed_side_takes_the_other_with_it(call: Both, client: Tropism, use_case: str) -> None:
    nobody = {"model": "nobody", "text": "x"}
    with pytest.raises(tropism.NotFoundError, match="nobody"):
        call("feedback.log_preference", f"{use_case}-stars", A, nobody, prompt="Q", use_case=use_case)
    with pytest.raises(tropism.NotFoundError) as caught:
        call("feedback.log_preference", f"{use_case}-stars", A, uuid4(), prompt="Q", use_case=use_case)
    assert caught.value.param == "other_completion"
    with pytest.raises(tropism.NotFoundError):
        call("feedback.log_preference", "nothing", A, B, prompt="Q", use_case=use_case)
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_a_completion_is_not_compared_with_itself(call: Both, use_case: str, new: Callable[[], UUID]) -> None:
    one = new()
    with pytest.raises(tropism.UnprocessableEntityError, match="itself") as caught:
        call("feedback.log_preference", f"{use_case}-stars", one, one, use_case=use_case)
    assert caught.value.param == "other_completion"


def test_sides_of_two_use_cases_are_not_compared(
    call: Both, client: Tropism, use_case: str, new: Callable[[], UUID]
) -> None:
    other, stars = f"case-{uuid4().hex}", f"{use_case}-stars"
    client.use_cases.create(other)
    client.feedback.link(stars, use_case=other)
    stranger = client.interactions.create("A", prompt="Q", use_case=other).completion_id
    with pytest.raises(tropism.UnprocessableEntityError, match="same use case"):
        call("feedback.log_preference", stars, new(), stranger, use_case=use_case)
    with pytest.raises(tropism.UnprocessableEntityError, match="another use case") as caught:
        call("feedback.log_preference", stars, new(), new(), use_case=other)
    assert caught.value.param == "use_case"
    with pytest.raises(tropism.NotFoundError, match=r"use_cases\.create\('nowhere'\)"):
        call("feedback.log_preference", stars, new(), new(), use_case="nowhere")


def test_an_unlinked_key_names_the_link_call(call: Both, client: Tropism, use_case: str) -> None:
    key = f"key-{uuid4().hex}-x"
    client.feedback.register_key(key)
    with pytest.raises(tropism.UnprocessableEntityError, match=rf"feedback\.link\('{key}'\)"):
        call("feedback.log_preference", key, A, B, prompt="Q", use_case=use_case)
    assert client.interactions.list(use_case=use_case).total_count == 0
