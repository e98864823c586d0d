"""Timeouts and tries, against providers that hang, break, and refuse, on real sockets."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import httpx2
import pytest
from tests.chat.plays import answer, asked, hang, in_turn, refuse, reset
from tests.chat.upstream import Play, Request, Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two"}]
SHORT = 0.4


def listen(call: Both, stream: Any, heard: list[str]) -> None:
    async def pieces() -> None:
        async for chunk in stream:
            heard.append(chunk.choices[0].delta.content)

    if hasattr(stream, "__aiter__"):
        call.wait(pieces())
        return
    for chunk in stream:
        heard.append(chunk.choices[0].delta.content)


# Timeouts


def test_what_an_attachment_says_is_kept(call: Both, use_case: str) -> None:
    patient = {"first_token_seconds": 5, "total_seconds": 60, "retries": 2}
    made = call("models.attach", "echo-c", reliability=patient, use_case=use_case)
    assert (made.reliability.first_token_seconds, made.reliability.between_tokens_seconds) == (5, None)
    assert call("models.update", "echo-c", is_default=True, use_case=use_case).reliability == made.reliability
    (found,) = [each for each in call("use_cases.get", use_case).model_services if each.model.key == "echo-c"]
    assert found.reliability == made.reliability
    assert call("models.update", "echo-c", reliability={}, use_case=use_case).reliability.total_seconds is None


@pytest.mark.parametrize(
    "wrong", [{"retries": 6}, {"retries": -1}, {"total_seconds": 0}, {"total_seconds": 9999}, {"seconds": 1}]
)
def test_what_cannot_be_meant_is_refused(call: Both, use_case: str, wrong: Any) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="reliability"):
        call("models.update", "echo-a", reliability=wrong, use_case=use_case)


def test_a_stream_has_to_begin_in_time(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, hang)
    call("models.update", key, reliability={"first_token_seconds": SHORT, "retries": 3}, use_case=use_case)
    heard: list[str] = []
    with pytest.raises(tropism.InternalServerError, match="it said nothing for 0.4 seconds") as caught:
        listen(call, call("chat.create", HELLO, stream=True, use_case=use_case), heard)
    assert (caught.value.type, heard, asked(upstream, key)) == ("engine_timeout", [], 1)
    assert upstream.gone.wait(5)  # the provider is not left generating for nobody


def test_signs_of_life_are_no_beginning(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    """A provider may send comments for ever while nothing comes of it."""

    async def play(request: Request) -> None:
        request.begin()
        while not request.writer.is_closing():
            request.writer.write(b"a\r\n: working\n\r\n")
            await request.pause(0.05)

    key = upstream.model(client, use_case, play)
    call("models.update", key, reliability={"first_token_seconds": SHORT}, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="it said nothing for 0.4 seconds"):
        listen(call, call("chat.create", HELLO, stream=True, use_case=use_case), [])


def test_another_model_answers_where_a_stream_does_not_begin(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, hang)
    patient = {"first_token_seconds": SHORT}
    call("models.update", key, reliability=patient, fallbacks=["echo-a"], use_case=use_case)
    chunks = call.items(call("chat.create", HELLO, stream=True, use_case=use_case))
    found = client.interactions.get(chunks[0].choices[0].completion_id, use_case=use_case)
    assert (found.model, found.assigned_model) == ("echo-a", key)
    assert [attempt.model for attempt in found.attempts] == [key, "echo-a"]
    assert "said nothing" in (found.attempts[0].error or "")
    assert found.attempts[0].latency_ms > SHORT * 1000 - 2  # the timers of an event loop count whole milliseconds
    assert found.attempts[1].error is None


def test_a_stream_that_goes_silent_is_ended_and_not_begun_anew(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("half")
        await request.until_gone()

    key = upstream.model(client, use_case, play)
    patient = {"between_tokens_seconds": SHORT, "retries": 3}
    call("models.update", key, reliability=patient, fallbacks=["echo-a"], use_case=use_case)
    heard: list[str] = []
    with pytest.raises(tropism.InternalServerError, match="it went silent for 0.4 seconds"):
        listen(call, call("chat.create", HELLO, stream=True, use_case=use_case), heard)
    assert (heard, asked(upstream, key)) == (["half"], 1)
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_the_whole_of_a_stream_has_its_time(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        request.begin()
        while not request.writer.is_closing():
            await request.say("on ")
            await request.pause(0.05)

    key = upstream.model(client, use_case, play)
    patient = {"between_tokens_seconds": 5, "total_seconds": SHORT}
    call("models.update", key, reliability=patient, use_case=use_case)
    heard: list[str] = []
    with pytest.raises(tropism.InternalServerError, match="did not end within 0.4 seconds"):
        listen(call, call("chat.create", HELLO, stream=True, use_case=use_case), heard)
    assert set(heard) == {"on "}


def test_a_whole_answer_has_its_time_and_no_first_token(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def late(request: Request) -> None:
        await request.pause(SHORT)
        await answer(request)

    key = upstream.model(client, use_case, late)
    call("models.update", key, reliability={"first_token_seconds": SHORT / 2}, use_case=use_case)
    assert call("chat.create", HELLO, use_case=use_case).choices[0].message.content == "far"
    call("models.update", key, reliability={"total_seconds": SHORT / 2}, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="did not end within 0.2 seconds") as caught:
        call("chat.create", HELLO, use_case=use_case)
    assert caught.value.status_code == 504


# Tries


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_model_that_refuses_for_now_is_asked_again(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, status: int, stream: bool
) -> None:
    key = upstream.model(client, use_case, in_turn(refuse(status), refuse(status), answer))
    call("models.update", key, reliability={"retries": 2}, fallbacks=["echo-a"], use_case=use_case)
    answered = call("chat.create", HELLO, stream=stream, use_case=use_case)
    choice = call.items(answered)[0].choices[0] if stream else answered.choices[0]
    found = client.interactions.get(choice.completion_id, use_case=use_case)
    assert (found.completion, found.model, asked(upstream, key)) == ("far", key, 3)
    assert [(attempt.model, bool(attempt.error)) for attempt in found.attempts] == [
        (key, True),
        (key, True),
        (key, False),
    ]
    assert "not now" in (found.attempts[0].error or "")


def test_an_answer_of_the_first_try_names_no_attempts(client: Tropism, use_case: str) -> None:
    made = client.chat.create(HELLO, use_case=use_case)
    assert client.interactions.get(made.choices[0].completion_id, use_case=use_case).attempts == []


def test_a_providers_words_are_redacted_like_all_others(client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, in_turn(refuse(429, words="not for ana@example.org"), answer))
    client.models.update(key, reliability={"retries": 1}, use_case=use_case)
    client.use_cases.update(use_case, redact=["email"])
    made = client.chat.create(HELLO, use_case=use_case)
    found = client.interactions.get(made.choices[0].completion_id, use_case=use_case)
    assert "ana@" not in str(found.attempts)
    assert "not for" in str(found.attempts)


@pytest.mark.parametrize("play", [refuse(500), refuse(502), refuse(504), refuse(400), reset])
def test_what_may_have_been_generated_is_not_asked_for_again(
    client: Tropism, use_case: str, upstream: Upstream, play: Play
) -> None:
    key = upstream.model(client, use_case, play)
    client.models.update(key, reliability={"retries": 5}, use_case=use_case)
    with pytest.raises(tropism.APIStatusError):
        client.chat.create(HELLO, use_case=use_case)
    assert asked(upstream, key) == 1


def test_a_stream_that_breaks_is_never_begun_anew(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("half")
        request.reset()

    key = upstream.model(client, use_case, play)
    call("models.update", key, reliability={"retries": 5}, fallbacks=["echo-a"], use_case=use_case)
    heard: list[str] = []
    with pytest.raises(tropism.InternalServerError, match="in the middle of the answer"):
        listen(call, call("chat.create", HELLO, stream=True, use_case=use_case), heard)
    assert (heard, asked(upstream, key)) == (["half"], 1)


def test_what_the_provider_asks_for_is_waited_for(client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, in_turn(refuse(429, "1"), answer))
    client.models.update(key, reliability={"retries": 1}, use_case=use_case)
    began = time.monotonic()
    assert client.chat.create(HELLO, use_case=use_case).choices[0].message.content == "far"
    assert 1 <= time.monotonic() - began < 8


@pytest.mark.parametrize(
    ("retry_after", "patient"), [("600", {"retries": 3}), ("3", {"retries": 3, "total_seconds": 2})]
)
def test_nobody_waits_longer_than_it_is_worth(
    server: RunningServer, client: Tropism, use_case: str, upstream: Upstream, retry_after: str, patient: Any
) -> None:
    key = upstream.model(client, use_case, refuse(503, retry_after))
    client.models.update(key, reliability=patient, use_case=use_case)
    began = time.monotonic()
    refused = httpx2.post(
        f"{server.base_url}/api/v1/chat/completions",
        json={"model": use_case, "messages": HELLO},
        headers={"authorization": f"Bearer {server.api_key}"},
    )
    assert time.monotonic() - began < 2
    assert (refused.status_code, refused.headers["retry-after"], asked(upstream, key)) == (503, retry_after, 1)


def test_where_no_connection_is_made_it_is_tried_again(client: Tropism, use_case: str) -> None:
    key = f"{use_case}-nobody"
    client.models.add_external("Nobody", "x", "", "custom", endpoint="http://127.0.0.1:9/v1", key=key)
    client.models.attach(key, reliability={"retries": 1}, fallbacks=["echo-a"], make_default=True, use_case=use_case)
    made = client.chat.create(HELLO, use_case=use_case)
    found = client.interactions.get(made.choices[0].completion_id, use_case=use_case)
    assert [attempt.model for attempt in found.attempts] == [key, key, "echo-a"]


def test_embeddings_are_asked_for_again(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def vectors(request: Request) -> None:
        request.send({"data": [{"index": 0, "embedding": [1, 0]}]})

    key = upstream.model(client, use_case, in_turn(refuse(429), vectors), kind="Embedding")
    call("models.update", key, reliability={"retries": 1}, use_case=use_case)
    assert call("embeddings.create", "a", model=key, use_case=use_case).data[0].embedding == [1, 0]
    upstream.plays[key] = hang
    call("models.update", key, reliability={"total_seconds": SHORT}, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="did not end within 0.4 seconds"):
        call("embeddings.create", "a", model=key, use_case=use_case)


def test_in_a_test_an_answer_counts_once_for_the_variant_that_was_drawn(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    """However often it was asked for, and whoever gave it."""
    first = upstream.model(client, use_case, in_turn(refuse(503), answer))
    second = upstream.model(client, use_case, refuse(503))
    patient: Any = {"retries": 1}
    client.models.update(first, reliability=patient, use_case=use_case)
    client.models.update(second, reliability=patient, fallbacks=["echo-a"], use_case=use_case)
    client.ab_tests.create(f"{use_case}-test", f"{use_case}-stars", [first, second], use_case=use_case)
    drawn = [client.chat.create(HELLO, user=user, use_case=use_case) for user in map(_user, range(12))]
    found = [client.interactions.get(each.choices[0].completion_id, use_case=use_case) for each in drawn]
    for_whom = [each.assigned_model or each.model for each in found]
    assert set(for_whom) == {first, second}
    (test,) = client.ab_tests.list(use_case=use_case)
    counted = {variant.variant: (variant.assigned, variant.errors) for variant in test.report.variants}
    drawn_second = for_whom.count(second)  # whose errors are its requests, not the tries
    assert counted == {first: (12 - drawn_second, 0), second: (drawn_second, drawn_second)}


def _user(number: int) -> UUID:
    return UUID(int=number + 1)
