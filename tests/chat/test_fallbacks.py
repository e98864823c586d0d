"""Fallbacks: another model answers when the engine of the one that was asked cannot, and the log names both."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.chat.upstream import Play, Request, Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two"}]


def fail(status: int) -> Play:
    async def play(request: Request) -> None:
        request.send({"error": {"message": "the provider's own words"}}, status=status)

    return play


async def answer(request: Request) -> None:
    """Whole or streamed, as it is asked."""
    if not request.body.get("stream"):
        request.answer("far")
        return
    request.begin()
    await request.say("far")
    await request.end()


async def begin_and_break(request: Request) -> None:
    request.begin()
    await request.say("half")
    request.reset()


def ask(call: Both, use_case: str, stream: bool, **more: Any) -> tuple[str, str, Any]:
    """The text, the model that is said to have answered, and the completion id."""
    answered = call("chat.create", HELLO, stream=stream, use_case=use_case, **more)
    if not stream:
        choice = answered.choices[0]
        return choice.message.content, choice.model, choice.completion_id
    choices = [chunk.choices[0] for chunk in call.items(answered)]
    assert len({(choice.model, choice.completion_id) for choice in choices}) == 1
    return "".join(choice.delta.content for choice in choices), choices[0].model, choices[0].completion_id


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [500, 503, 429])
def test_the_first_fallback_that_can_answers_and_the_log_names_both(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, stream: bool, status: int
) -> None:
    broken = upstream.model(client, use_case, fail(500))
    also = upstream.model(client, use_case, answer)
    asked = upstream.model(client, use_case, fail(status))
    call("models.update", asked, fallbacks=[broken, also, "echo-a"], use_case=use_case)
    text, model, id = ask(call, use_case, stream)
    found = client.interactions.get(id, use_case=use_case)
    assert (text, model) == ("far", also)
    assert (found.completion, found.model, found.assigned_model) == ("far", also, asked)
    assert [group.model for group in client.interactions.list(group_by="model", use_case=use_case).groups] == [also]


def test_an_answer_of_the_model_that_was_asked_names_no_other(call: Both, use_case: str) -> None:
    call("models.update", "echo-a", fallbacks=["echo-b"], use_case=use_case)
    _, model, id = ask(call, use_case, stream=False)
    assert (model, call("interactions.get", id, use_case=use_case).assigned_model) == ("echo-a", None)


def test_an_answer_that_has_begun_is_not_taken_up_by_another(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    asked = upstream.model(client, use_case, begin_and_break)
    call("models.update", asked, fallbacks=["echo-a"], use_case=use_case)
    with pytest.raises(tropism.TropismError, match="in the middle|closed the connection"):
        ask(call, use_case, stream=True)
    assert client.interactions.list(use_case=use_case).total_count == 0


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_caller_got_wrong_is_not_asked_again(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, stream: bool
) -> None:
    asked = upstream.model(client, use_case, fail(400))
    call("models.update", asked, fallbacks=["echo-a"], use_case=use_case)
    with pytest.raises(tropism.BadRequestError, match="the provider's own words"):
        ask(call, use_case, stream)
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_when_all_fail_the_first_error_is_told_with_what_was_tried(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    other = upstream.model(client, use_case, fail(400))
    asked = upstream.model(client, use_case, fail(503))
    call("models.update", "echo-a", desired_online=False, use_case=use_case)
    call("models.update", asked, fallbacks=[other, "echo-a"], use_case=use_case)
    with pytest.raises(tropism.InternalServerError) as caught:
        ask(call, use_case, stream=False)
    assert (caught.value.status_code, caught.value.type) == (503, "engine_unavailable")
    said = str(caught.value)
    assert said.index(asked) < said.index("asked instead") < said.index(other) < said.index("echo-a")
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_a_model_that_is_named_has_fallbacks_too_but_not_those_of_its_fallbacks(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    second = upstream.model(client, use_case, fail(500))
    first = upstream.model(client, use_case, fail(500))
    call("models.update", second, fallbacks=["echo-a"], use_case=use_case)
    call("models.update", first, fallbacks=[second], use_case=use_case)
    with pytest.raises(tropism.InternalServerError):
        ask(call, use_case, stream=False, model=first)
    assert ask(call, use_case, stream=False, model=second)[1] == "echo-a"


def test_a_fallback_that_is_a_variant_brings_its_own_prompt(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    good = upstream.model(client, use_case, answer)
    client.models.add_variant(good, f"{good}-brief", system_prompt="Be brief.", parameters={"max_tokens": 7})
    client.models.attach(f"{good}-brief", use_case=use_case)
    asked = upstream.model(client, use_case, fail(500))
    call("models.attach", asked, fallbacks=[f"{good}-brief"], use_case=use_case)
    assert ask(call, use_case, stream=False)[1] == f"{good}-brief"
    sent = upstream.requests[-1].body
    assert (sent["messages"][0]["content"], sent["max_tokens"]) == ("Be brief.", 7)


def test_each_of_several_choices_falls_back_by_itself(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    """The provider fails every other time."""
    turns: list[int] = []

    async def sometimes(request: Request) -> None:
        turns.append(1)
        await (answer if len(turns) % 2 else fail(500))(request)

    asked = upstream.model(client, use_case, sometimes)
    call("models.update", asked, fallbacks=["echo-a"], use_case=use_case)
    choices = call("chat.create", HELLO, n=2, use_case=use_case).choices
    assert sorted(choice.model for choice in choices) == sorted([asked, "echo-a"])


def test_openais_shape_falls_back_as_well(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    asked = upstream.model(client, use_case, fail(500))
    client.models.update(asked, fallbacks=["echo-a"], use_case=use_case)
    body, headers = {"model": use_case, "messages": HELLO}, {"Authorization": f"Bearer {server.api_key}"}
    said = httpx2.post(f"{server.base_url}/v1/chat/completions", json=body, headers=headers)
    assert (said.status_code, said.json()["model"]) == (200, "echo-a")


def test_fallbacks_are_shown_kept_and_taken_away(call: Both, use_case: str) -> None:
    def shown() -> list[str]:
        services = call("use_cases.get", use_case).model_services
        return next(each.fallbacks for each in services if each.model.key == "echo-a")

    assert shown() == []
    assert call("models.update", "echo-a", fallbacks=["echo-b"], use_case=use_case).fallbacks == ["echo-b"]
    call("models.update", "echo-a", is_default=True, use_case=use_case)
    call("models.attach", "echo-a", use_case=use_case)
    assert shown() == ["echo-b"]
    call("models.update", "echo-a", fallbacks=[], use_case=use_case)
    assert shown() == []


@pytest.mark.parametrize(
    ("fallbacks", "error", "says"),
    [
        (["echo-a"], tropism.UnprocessableEntityError, "not the model itself"),
        (["echo-b", "echo-b"], tropism.UnprocessableEntityError, "once"),
        (["echo-c"], tropism.NotFoundError, "not attached"),
        (["nobody"], tropism.NotFoundError, "no model 'nobody'"),
    ],
)
def test_what_cannot_be_a_fallback_is_refused(
    call: Both, use_case: str, fallbacks: list[str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        call("models.update", "echo-a", fallbacks=fallbacks, use_case=use_case)
    assert all(each.fallbacks == [] for each in call("use_cases.get", use_case).model_services)


def test_embedding_models_neither_have_nor_are_fallbacks(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    far = upstream.model(client, use_case, answer, kind="Embedding")
    for model, fallbacks, says in ((far, ["echo-a"], "cannot be mixed"), ("echo-a", [far], "cannot answer a chat")):
        with pytest.raises(tropism.UnprocessableEntityError, match=says) as caught:
            call("models.update", model, fallbacks=fallbacks, use_case=use_case)
        assert caught.value.param == "fallbacks"


def test_a_fallback_stays_attached_while_another_needs_it(call: Both, use_case: str) -> None:
    call("models.update", "echo-a", fallbacks=["echo-b"], use_case=use_case)
    with pytest.raises(tropism.ConflictError, match="is a fallback of 'echo-a'"):
        call("models.detach", "echo-b", use_case=use_case)
    call("models.update", "echo-a", fallbacks=[], use_case=use_case)
    call("models.detach", "echo-b", use_case=use_case)
