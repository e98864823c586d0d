"""Chat and plain completions through the SDK, on both faces, and what the log says of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.chat.upstream import Request, Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism


def say(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def logged(call: Both, use_case: str) -> int:
    count: int = call("interactions.list", use_case=use_case).total_count
    return count


def test_the_default_model_answers_where_none_is_named(call: Both, use_case: str) -> None:
    answer = call("chat.create", say("one two three"), use_case=use_case)
    assert [choice.message.content for choice in answer.choices] == ["one two three"]
    assert answer.choices[0].message.role == "assistant"
    assert (answer.model, answer.choices[0].model) == ("echo-a", "echo-a")
    assert (answer.choices[0].index, answer.choices[0].finish_reason) == (0, "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 3, 6)
    assert answer.id == answer.choices[0].completion_id
    assert abs(answer.created - time.time()) < 60


def test_a_model_is_named_by_its_key_or_its_id(call: Both, use_case: str) -> None:
    for name in ("echo-b", call("models.get", "echo-b").id):
        answer = call("chat.create", say("hi"), model=name, use_case=use_case)
        assert (answer.model, answer.choices[0].model) == ("echo-b", "echo-b")


def test_what_is_logged_is_what_was_asked_and_answered(call: Both, use_case: str) -> None:
    user, session = uuid4(), uuid4()
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c d é 😀 e f STOP g"},
    ]
    asked = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["STOP"], "max_tokens": 4}
    answer = call(
        "chat.create",
        messages,
        **asked,
        user=user,
        session_id=session,
        labels={"topic": "létters"},
        use_case=use_case,
    )
    assert answer.choices[0].message.content == "c d é 😀"
    assert (answer.choices[0].finish_reason, answer.session_id) == ("length", session)
    found = call("interactions.get", answer.id, use_case=use_case)
    assert [{"role": m.role, "content": m.content} for m in found.messages] == messages
    assert (found.completion, found.finish_reason, found.model) == ("c d é 😀", "length", "echo-a")
    assert (found.user, found.session_id, found.labels) == (user, session, {"topic": "létters"})
    assert (found.usage, found.source, found.ab_test) == (answer.usage, "LIVE", None)
    given = {name: getattr(found.parameters, name) for name in asked}
    assert given == asked
    assert found.timings.latency_ms is not None
    assert 0 < found.timings.latency_ms < 10_000
    assert found.timings.first_token_ms is None
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_n_gives_choices_that_are_completions_of_their_own(call: Both, use_case: str) -> None:
    answer = call("chat.create", say("same words"), n=3, seed=5, use_case=use_case)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    ids = [choice.completion_id for choice in answer.choices]
    assert len(set(ids)) == 3
    assert answer.id == ids[0]
    found = [call("interactions.get", id, use_case=use_case) for id in ids]
    assert [each.completion for each in found] == ["same words"] * 3
    assert {each.session_id for each in found} == {answer.session_id}
    assert len({each.parameters.seed for each in found}) == 3, "with one seed the choices would be the same"
    assert sum(each.usage.completion_tokens for each in found) == answer.usage.completion_tokens
    assert logged(call, use_case) == 3


def test_a_completion_takes_feedback_at_once(call: Both, use_case: str) -> None:
    answer = call("chat.create", say("hi"), n=2, use_case=use_case)
    for value, choice in enumerate(answer.choices):
        call("feedback.log_metric", value, choice.completion_id, f"{use_case}-stars")
        found = call("interactions.get", choice.completion_id, use_case=use_case)
        assert [feedback.value for feedback in found.direct_feedbacks] == [value]


@pytest.mark.parametrize("stop", ["two", ["three", "two"]])
def test_a_stop_word_ends_the_answer_before_itself(call: Both, use_case: str, stop: str | list[str]) -> None:
    choice = call("chat.create", say("one two three"), stop=stop, use_case=use_case).choices[0]
    assert (choice.message.content.strip(), choice.finish_reason) == ("one", "stop")
    found = call("interactions.get", choice.completion_id, use_case=use_case)
    assert found.parameters.stop == ([stop] if isinstance(stop, str) else stop)


def test_a_session_is_made_where_none_is_given(call: Both, use_case: str) -> None:
    first, second = (call("chat.create", say("hi"), use_case=use_case) for _ in range(2))
    assert isinstance(first.session_id, UUID)
    assert first.session_id != second.session_id


def test_a_plain_prompt_is_a_chat_with_one_message(call: Both, use_case: str) -> None:
    answer = call("completions.create", "tell me more", n=2, max_tokens=2, labels={"a": "b"}, use_case=use_case)
    assert [choice.text for choice in answer.choices] == ["tell me"] * 2
    assert (answer.choices[1].finish_reason, answer.choices[1].model) == ("length", "echo-a")
    found = call("interactions.get", answer.choices[1].completion_id, use_case=use_case)
    assert [(m.role, m.content) for m in found.messages] == [("user", "tell me more")]
    assert (found.completion, found.labels) == ("tell me", {"a": "b"})


def test_parameters_reach_the_provider_and_nothing_else_does(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.answer("far away", read=11, written=22)

    key = upstream.model(client, use_case, play)
    asked = {"temperature": 0, "top_p": 0.25, "seed": 0, "stop": ["x"], "max_tokens": 9}
    answer = call("chat.create", say("hi"), **asked, user=uuid4(), labels={"a": "b"}, use_case=use_case)
    request = upstream.requests[-1]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-provider-key-in-tests"
    assert request.body == {"model": key, "messages": say("hi"), "stream": False, **asked}
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 22)
    assert call("interactions.get", answer.id, use_case=use_case).usage == answer.usage


def test_a_provider_that_does_not_count_leaves_no_usage_in_the_log(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.send({"choices": [{"message": {"content": "uncounted"}}]})

    upstream.model(client, use_case, play)
    answer = call("chat.create", say("hi"), use_case=use_case)
    found = call("interactions.get", answer.id, use_case=use_case)
    assert (found.completion, found.usage, found.finish_reason) == ("uncounted", None, "stop")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": say("x") * 1001}, "messages"),
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"stop": []}, "stop"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"user": "nobody"}, "user"),
        ({"session_id": "x"}, "session_id"),
        ({"labels": {"": "x"}}, None),
        ({"labels": {"x": "y" * 257}}, "labels[...]"),
        ({"labels": {str(i): "x" for i in range(33)}}, "labels"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_leaves_nothing(
    client: Tropism, use_case: str, given: dict[str, Any], param: str | None
) -> None:
    asked: Any = {"messages": say("hi"), **given}
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.chat.create(**asked, use_case=use_case)
    if param is not None:
        assert caught.value.param == param
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_an_unknown_name_says_what_would_make_it(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.NotFoundError, match=r"no use case 'nowhere'; create it with use_cases\.create"):
        call("chat.create", say("hi"), use_case="nowhere")
    with pytest.raises(tropism.NotFoundError, match=r"'nothing' is not attached to use case .*; attach it with"):
        call("chat.create", say("hi"), model="nothing", use_case=use_case)
    with pytest.raises(tropism.NotFoundError, match=r"'echo-c' is not attached to use case .*; attach it with"):
        call("chat.create", say("hi"), model="echo-c", use_case=use_case)
    with pytest.raises(tropism.NotFoundError, match="no A/B test 'no-test' is running"):
        call("chat.create", say("hi"), ab_campaign="no-test", use_case=use_case)
    assert logged(call, use_case) == 0


def test_a_use_case_without_a_default_says_how_to_set_one(call: Both) -> None:
    key = f"case-{uuid4().hex}"
    call("use_cases.create", key)
    with pytest.raises(tropism.NotFoundError, match=r"has no default model; set one with models\.attach"):
        call("chat.create", say("hi"), use_case=key)
    call("models.attach", "echo-a", use_case=key)
    with pytest.raises(tropism.NotFoundError, match="has no default model"):
        call("chat.create", say("hi"), use_case=key)
    assert call("chat.create", say("hi"), model="echo-a", use_case=key).model == "echo-a"


def test_a_conversation_without_a_user_is_refused_by_the_echo_engine(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.BadRequestError, match="'echo-a': the echo engine repeats the last user message") as e:
        call("chat.create", [{"role": "system", "content": "x"}], use_case=use_case)
    assert e.value.type == "engine_rejected"
    assert logged(call, use_case) == 0


def test_the_error_names_the_model_that_failed(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    """Of several models that answer one request, as in a test on preferences."""

    async def play(request: Request) -> None:
        request.send({"error": {"message": "no"}}, status=500)

    key = upstream.model(client, use_case, play)
    client.models.update("echo-a", is_default=True, use_case=use_case)
    test = client.ab_tests.create(
        f"{use_case}-test", f"{use_case}-stars", ["echo-a", key], feedback_type="preference", use_case=use_case
    )
    with pytest.raises(tropism.InternalServerError, match=f"model '{key}'"):
        call("chat.create", say("hi"), n=2, use_case=use_case)
    assert logged(call, use_case) == 0
    assert [variant.assigned for variant in client.ab_tests.get(test.key).report.variants] == [0, 0]
