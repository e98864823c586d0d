"""Use cases through the SDK, on both faces."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.conftest import Both

import tropism


def test_create_returns_what_get_and_list_show(call: Both) -> None:
    key = f"case-{uuid4().hex}"
    made = call("use_cases.create", key, description="What it is for")
    assert (made.key, made.name, made.team, made.feedback_keys, made.model_services) == (key, key, "default", [], [])
    assert call("use_cases.get", key) == call("use_cases.get", made.id) == made
    assert made in call("use_cases.list")


def test_a_key_is_taken_once(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.ConflictError, match=f"'{use_case}' already"):
        call("use_cases.create", use_case)


def test_an_unknown_use_case_says_how_to_create_it(call: Both) -> None:
    with pytest.raises(
        tropism.NotFoundError, match=r"no use case 'nowhere'; create it with use_cases\.create\('nowhere'\)"
    ):
        call("use_cases.get", "nowhere")


@pytest.mark.parametrize("key", ["", "a b", "a/b", "-a", "x" * 129, "0190f5a0-0000-7000-8000-000000000000"])
def test_a_bad_key_is_refused(call: Both, key: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("use_cases.create", key)
    assert caught.value.param == "key"
