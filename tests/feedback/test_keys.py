"""Feedback keys: registered once, linked to use cases."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism


def new_key() -> str:
    return f"key-{uuid4().hex}-x"


def test_register_returns_what_get_and_list_show(call: Both) -> None:
    name = new_key()
    key = call("feedback.register_key", name, "bool", "lower_is_better", "Errors", "How often it is wrong")
    assert (key.key, key.kind, key.scoring_type) == (name, "bool", "lower_is_better")
    assert (key.name, key.description) == ("Errors", "How often it is wrong")
    assert call("feedback.get_key", name) == call("feedback.get_key", key.id) == key
    assert key in call("feedback.list_keys")


def test_a_key_is_a_scalar_of_which_more_is_better(call: Both) -> None:
    name = new_key()
    key = call("feedback.register_key", name)
    assert (key.name, key.kind, key.scoring_type, key.description) == (name, "scalar", "higher_is_better", None)


def test_a_key_is_registered_once(call: Both) -> None:
    name = new_key()
    first = call("feedback.register_key", name)
    with pytest.raises(tropism.ConflictError, match=f"'{name}' already") as caught:
        call("feedback.register_key", name, "bool")
    assert caught.value.param == "key"
    assert call("feedback.get_key", name) == first


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"key": ""}, "key"),
        ({"key": "a b"}, "key"),
        ({"key": "a\n"}, "key"),
        ({"key": "ключ"}, "key"),
        ({"key": "x" * 129}, "key"),
        ({"key": str(uuid4())}, "key"),
        ({"key": "k", "kind": "star"}, "kind"),
        ({"key": "k", "scoring_type": "best"}, "scoring_type"),
        ({"key": "k", "name": ""}, "name"),
        ({"key": "k", "description": "x" * 10_001}, "description"),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused_by_name(client: Tropism, given: dict[str, Any], param: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.feedback.register_key(**given)
    assert caught.value.param == param


def test_an_unknown_key_says_how_to_register_it(call: Both, use_case: str) -> None:
    logged = call("interactions.create", "A", prompt="Q", use_case=use_case).completion_id
    for operation, arguments in (
        ("feedback.get_key", {"feedback_key": "nothing"}),
        ("feedback.link", {"feedback_key": "nothing", "use_case": use_case}),
        ("feedback.unlink", {"feedback_key": "nothing", "use_case": use_case}),
        ("feedback.log_metric", {"value": 1, "completion_id": logged, "feedback_key": "nothing"}),
    ):
        with pytest.raises(tropism.NotFoundError, match=r"feedback\.register_key\('nothing'\)"):
            call(operation, **arguments)


def test_linking_is_idempotent(call: Both, client: Tropism) -> None:
    case, name = f"case-{uuid4().hex}", new_key()
    client.use_cases.create(case)
    key = call("feedback.register_key", name)
    assert call("feedback.link", name, use_case=case) == call("feedback.link", key.id, use_case=case) == key
    assert call("use_cases.get", case).feedback_keys == [key]
    assert call("feedback.unlink", name, use_case=case) is None
    assert call("use_cases.get", case).feedback_keys == []
    assert call("feedback.get_key", name) == key


def test_unlinking_what_is_not_linked_names_the_link_call(call: Both, use_case: str) -> None:
    name = new_key()
    call("feedback.register_key", name)
    with pytest.raises(tropism.UnprocessableEntityError, match=rf"feedback\.link\('{name}'\)"):
        call("feedback.unlink", name, use_case=use_case)


def test_linking_to_an_unknown_use_case_says_how_to_create_it(call: Both, use_case: str) -> None:
    for operation in ("feedback.link", "feedback.unlink"):
        with pytest.raises(tropism.NotFoundError, match=r"use_cases\.create\('nowhere'\)"):
            call(operation, f"{use_case}-stars", use_case="nowhere")


def test_what_was_logged_stays_when_its_key_is_unlinked(call: Both, use_case: str) -> None:
    stars = f"{use_case}-stars"
    id = call("interactions.create", "A", prompt="Q", use_case=use_case).completion_id
    call("feedback.log_metric", 3, id, stars)
    call("feedback.unlink", stars, use_case=use_case)
    assert [each.value for each in call("interactions.get", id, use_case=use_case).direct_feedbacks] == [3.0]
    with pytest.raises(tropism.UnprocessableEntityError, match=rf"feedback\.link\('{stars}'\)") as caught:
        call("feedback.log_metric", 4, id, stars)
    assert caught.value.param == "metric"


def test_a_key_that_a_running_test_counts_stays_linked(call: Both, client: Tropism, use_case: str) -> None:
    test, stars = f"test-{uuid4().hex}", f"{use_case}-stars"
    client.ab_tests.create(test, stars, ["echo-a", "echo-b"], use_case=use_case)
    with pytest.raises(tropism.ConflictError, match=test):
        call("feedback.unlink", stars, use_case=use_case)
    client.ab_tests.cancel(test)
    call("feedback.unlink", stars, use_case=use_case)
