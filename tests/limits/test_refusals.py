"""Limits as requests meet them: how many are let in, what a refusal says, and what counts."""

from __future__ import annotations

import asyncio
import pickle
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from tests.chat.upstream import Request, Upstream, eventually, run_upstream
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two three"}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits for limits that soon begin anew; here the first answer is looked at."""
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)


def used(client: Tropism, use_case: str, measure: str = "tokens") -> float:
    (found,) = [each for each in client.limits.list(use_case=use_case) if each.measure == measure]
    return found.used


async def ask_at_once(server: RunningServer, use_case: str, count: int) -> list[httpx2.Response]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    body = {"model": use_case, "messages": HELLO}
    async with httpx2.AsyncClient(base_url=server.base_url, headers=headers, timeout=60) as client:
        return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(count)))


async def test_of_many_at_once_exactly_as_many_are_answered(
    client: Tropism, server: RunningServer, use_case: str
) -> None:
    client.limits.set("requests", 17, "day", use_case=use_case)
    answers = await ask_at_once(server, use_case, 60)
    assert Counter(answer.status_code for answer in answers) == {200: 17, 429: 43}
    assert client.interactions.list(use_case=use_case).total_count == 17
    assert used(client, use_case, "requests") == 17


async def test_tokens_that_are_held_keep_others_out(client: Tropism, server: RunningServer, use_case: str) -> None:
    """Three words and three more, of which the prompt is held as four: no more than the limit is ever used."""
    client.limits.set("tokens", 100, "day", use_case=use_case)
    client.models.add_variant("echo-a", f"{use_case}-short", parameters={"max_tokens": 3})
    client.models.attach(f"{use_case}-short", make_default=True, wait=True, use_case=use_case)
    answers = await ask_at_once(server, use_case, 40)
    answered = sum(answer.status_code == 200 for answer in answers)
    assert 14 <= answered <= 16
    assert used(client, use_case) == 6 * answered


def test_a_refusal_says_how_much_and_when(client: Tropism, server: RunningServer, use_case: str) -> None:
    client.limits.set("requests", 1, "month", use_case=use_case)
    client.limits.set("tokens", 1000, "day", use_case=use_case)
    headers, body = {"Authorization": f"Bearer {server.api_key}"}, {"model": use_case, "messages": HELLO}
    with httpx2.Client(base_url=server.base_url, headers=headers) as http:
        first = http.post("/v1/chat/completions", json=body)
        assert first.headers["x-ratelimit-limit-requests"] == "1"
        assert first.headers["x-ratelimit-remaining-requests"] == "0"
        assert first.headers["x-ratelimit-limit-tokens"] == "1000"
        assert 0 < int(first.headers["x-ratelimit-remaining-tokens"]) < 1000
        second = http.post("/v1/chat/completions", json=body | {"stream": True})
        assert second.status_code == 429
        assert second.headers["x-ratelimit-reset-requests"].endswith("s")
        assert int(second.headers["retry-after"]) > 0
        error = second.json()["error"]
        assert (error["type"], error["code"]) == ("rate_limited", "rate_limited")
        assert "1 requests per month" in error["message"]
        ours = http.post("/api/v1/chat/completions", json=body)
        assert (ours.status_code, ours.json()["type"]) == (429, "rate_limited")


def test_the_sdk_says_when_to_come_again(call: Both, use_case: str) -> None:
    call("limits.set", "requests", 0, "month", use_case=use_case)
    with pytest.raises(tropism.RateLimitError, match="use case is reached") as caught:
        call("chat.create", HELLO, use_case=use_case)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 1
    assert pickle.loads(pickle.dumps(caught.value)).retry_after == caught.value.retry_after


def test_openais_client_raises_its_own_error(client: Tropism, server: RunningServer, use_case: str) -> None:
    client.limits.set("requests", 0, "month", use_case=use_case)
    theirs = openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key)
    with theirs, pytest.raises(openai.RateLimitError):
        theirs.chat.completions.create(model=use_case, messages=HELLO)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", ["user", "api_key"])
def test_a_user_and_a_key_are_limited_wherever_they_ask(
    client: Tropism, server: RunningServer, use_case: str, subject: str
) -> None:
    email = f"{use_case}@example.com"
    client.users.create(email, "Robot", "default", "developer", kind="service")
    key, other = (client.api_keys.create("key", user=email) for _ in range(2))
    client.limits.set("requests", 1, "day", **{subject: email if subject == "user" else key.id})
    with Tropism(server.base_url, key.key) as mine, Tropism(server.base_url, other.key) as second:
        mine.chat.create(HELLO, use_case=use_case)
        with pytest.raises(tropism.RateLimitError, match="limit of the (user|api key) is reached"):
            mine.chat.create(HELLO, use_case=use_case)
        if subject == "user":
            with pytest.raises(tropism.RateLimitError):
                second.chat.create(HELLO, use_case=use_case)
        else:
            assert second.chat.create(HELLO, use_case=use_case).choices
    assert client.chat.create(HELLO, use_case=use_case).choices


def test_what_is_refused_by_one_limit_takes_nothing_of_another(client: Tropism, use_case: str) -> None:
    client.limits.set("requests", 5, "day", use_case=use_case)
    client.limits.set("tokens", 0, "day", use_case=use_case)
    for _ in range(8):
        with pytest.raises(tropism.RateLimitError, match="0 tokens"):
            client.chat.create(HELLO, use_case=use_case)
    client.limits.set("tokens", 10_000, "day", use_case=use_case)
    for _ in range(5):
        assert client.chat.create(HELLO, use_case=use_case).choices


def test_streams_and_choices_count_what_was_generated(call: Both, client: Tropism, use_case: str) -> None:
    client.limits.set("tokens", 10_000, "day", use_case=use_case)
    call.items(call("chat.create", HELLO, stream=True, max_tokens=2, use_case=use_case))
    assert used(client, use_case) == 3 + 2
    call("chat.create", HELLO, n=2, max_tokens=500, use_case=use_case)
    assert used(client, use_case) == 5 + 2 * (3 + 3)


def test_a_request_that_may_need_too_much_is_told_to_ask_for_less(client: Tropism, use_case: str) -> None:
    client.limits.set("tokens", 50, "day", use_case=use_case)
    with pytest.raises(tropism.RateLimitError, match="max_tokens"):
        client.chat.create(HELLO, max_tokens=51, use_case=use_case)
    assert client.chat.create(HELLO, max_tokens=40, use_case=use_case).choices


async def endless(request: Request) -> None:
    """Says eight letters, which are about two tokens, and then nothing until the caller is gone."""
    request.begin()
    await request.say("12345678")
    await request.until_gone()


def test_a_cancelled_stream_gives_back_what_it_did_not_use(client: Tropism, use_case: str, upstream: Upstream) -> None:
    upstream.model(client, use_case, endless)
    client.limits.set("tokens", 1000, "day", use_case=use_case)
    for _ in client.chat.create(HELLO, stream=True, max_tokens=990, use_case=use_case):
        with pytest.raises(tropism.RateLimitError, match="1000 tokens per day"):
            client.chat.create(HELLO, max_tokens=100, use_case=use_case)
        break
    eventually(lambda: client.interactions.list(use_case=use_case).total_count == 1)
    assert eventually(lambda: used(client, use_case)) == 4 + 2, "the prompt and the letters, by their length"
    for _ in client.chat.create(HELLO, stream=True, max_tokens=900, use_case=use_case):
        break


def test_an_answer_that_failed_uses_nothing(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def fail(request: Request) -> None:
        request.send({"error": {"message": "no"}}, status=400)

    upstream.model(client, use_case, fail)
    client.limits.set("requests", 1, "day", use_case=use_case)
    for _ in range(3):
        with pytest.raises(tropism.BadRequestError):
            client.chat.create(HELLO, use_case=use_case)
    assert used(client, use_case, "requests") == 0


def test_embeddings_count(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def embed(request: Request) -> None:
        request.send({"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 7, "total_tokens": 7}})

    upstream.model(client, use_case, embed, kind="Embedding")
    client.limits.set("tokens", 12, "day", use_case=use_case)
    call("embeddings.create", "a few words", use_case=use_case)
    assert used(client, use_case) == 7
    with pytest.raises(tropism.RateLimitError):
        call("embeddings.create", "so many words that they are too many", use_case=use_case)


def test_dollars_are_counted_by_the_prices_of_the_model(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def answer(request: Request) -> None:
        request.answer("Hello", read=1000, written=500)

    prices: dict[str, Any] = {"input_per_million": 2.0, "output_per_million": 10.0}
    upstream.model(client, use_case, answer, prices=prices)
    client.limits.set("usd", 0.01, "day", use_case=use_case)
    client.chat.create(HELLO, use_case=use_case)
    assert used(client, use_case, "usd") == 0.007
    client.chat.create(HELLO, use_case=use_case)
    assert used(client, use_case, "usd") == 0.014
    with pytest.raises(tropism.RateLimitError, match=r"0\.01 US dollars per day"):
        client.chat.create(HELLO, use_case=use_case)
    assert client.chat.create(HELLO, model="echo-a", use_case=use_case).choices, "a model without prices costs nothing"
