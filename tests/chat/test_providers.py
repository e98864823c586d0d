"""Providers with wires of their own, through the whole server: the caller sees one shape, whoever answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from tests.chat.upstream import Play, Request, Upstream
from tests.conftest import Both
from tests.engines import anthropic_cases, google_cases

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

HELLO: Any = [{"role": "user", "content": "What is the weather in Rome and Oslo?"}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


async def anthropic(request: Request) -> None:
    words = anthropic_cases.words(0, "It ", "is.")
    calls = [anthropic_cases.calling(place, f"toolu_{place}", '{"city":', f' "{place}"}}') for place in (1, 2)]
    blocks, reason = ((words, *calls), "tool_use") if "tools" in request.body else ((words,), "end_turn")
    if request.body["stream"]:
        await request.events(*anthropic_cases.stream(*blocks, stop_reason=reason))
        return
    made = [anthropic_cases.call(f"toolu_{place}", city=str(place)) for place in (1, 2)] if len(blocks) > 1 else []
    request.send(anthropic_cases.message(anthropic_cases.text("It is."), *made, stop_reason=reason))


async def google(request: Request) -> None:
    made = [google_cases.call(f"id{place}", city=str(place)) for place in (1, 2)] if "tools" in request.body else []
    if "streamGenerateContent" not in request.path:
        request.send(google_cases.answer(google_cases.text("It is."), *made))
        return
    texts = [google_cases.answer(google_cases.text(part), reason=None) for part in ("It ", "is.")]
    await request.events(*map(google_cases.event, [*texts, google_cases.answer(*made)]))


PLAYS: dict[str, tuple[Play, dict[str, int]]] = {
    "anthropic": (anthropic, {"prompt": 128, "completion": 40, "cached": 100, "reasoning": 12}),
    "google": (google, {"prompt": 30, "completion": 19, "cached": 20, "reasoning": 12}),
}


def counted(usage: Any) -> dict[str, int]:
    return {
        "prompt": usage.prompt_tokens,
        "completion": usage.completion_tokens,
        "cached": usage.prompt_tokens_details.cached_tokens,
        "reasoning": usage.completion_tokens_details.reasoning_tokens,
    }


@pytest.mark.parametrize("provider", PLAYS)
def test_an_answer_is_given_and_logged(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, provider: Any
) -> None:
    play, count = PLAYS[provider]
    key = upstream.model(client, use_case, play, provider=provider)
    answer = call("chat.create", HELLO, use_case=use_case)
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason, choice.model) == ("It is.", "stop", key)
    assert counted(answer.usage) == count
    found = client.interactions.get(choice.completion_id, use_case=use_case)
    assert (found.completion, found.model, counted(found.usage)) == ("It is.", key, count)


@pytest.mark.parametrize("provider", PLAYS)
def test_streamed_calls_are_whole_in_the_log(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, provider: Any
) -> None:
    play, count = PLAYS[provider]
    upstream.model(client, use_case, play, provider=provider)
    asked = {"tools": [TOOL], "stream": True, "stream_include_usage": True, "use_case": use_case}
    *chunks, last = call.items(call("chat.create", HELLO, **asked))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "It is."
    fragments = [each for chunk in chunks for each in chunk.choices[0].delta.tool_calls or ()]
    assert [each.index for each in fragments if each.id] == [0, 1]
    assert (chunks[-1].choices[0].finish_reason, counted(last.usage)) == ("tool_calls", count)
    found = client.interactions.get(chunks[0].choices[0].completion_id, use_case=use_case)
    assert [each.function.arguments.replace(" ", "") for each in found.tool_calls or ()] == [
        '{"city":"1"}',
        '{"city":"2"}',
    ]


@pytest.mark.parametrize("provider", PLAYS)
def test_openais_own_client_talks_to_them(
    server: RunningServer, client: Tropism, use_case: str, upstream: Upstream, provider: Any
) -> None:
    upstream.model(client, use_case, PLAYS[provider][0], provider=provider)
    tools: Any = [TOOL]
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key, max_retries=0) as theirs:
        first = theirs.chat.completions.create(model=use_case, messages=HELLO, tools=tools).choices[0].message
        assert first.tool_calls is not None
        said = [{"role": "tool", "tool_call_id": each.id, "content": "sunny"} for each in first.tool_calls]
        messages: Any = [*HELLO, first, *said]
        answer = theirs.chat.completions.create(model=use_case, messages=messages)
        assert answer.choices[0].message.content == "It is."
        with theirs.chat.completions.stream(model=use_case, messages=HELLO, tools=tools) as stream:
            made = stream.get_final_completion().choices[0].message
    assert made.tool_calls is not None
    assert [each.function.name for each in made.tool_calls] == ["weather", "weather"]


@contextmanager
def server_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Iterator[Tropism]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.set_default_use_case("default")
        yield client


@pytest.mark.parametrize("provider", PLAYS)
def test_a_base_url_says_where_a_provider_is(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream, provider: Any
) -> None:
    """Although nothing but public addresses is allowed: it is the operator's own word."""
    variables = {f"TROPISM_{provider.upper()}_BASE_URL": f"{upstream.url}/gateway/", "TROPISM_EGRESS_ALLOW": "public"}
    with server_with(monkeypatch, **variables) as client:
        key = upstream.model(client, "default", PLAYS[provider][0], provider=provider, endpoint=None)
        assert client.chat.create(HELLO).choices[0].message.content == "It is."
        assert upstream.requests[-1].path.startswith("/v1/gateway/m")
        with pytest.raises(tropism.UnprocessableEntityError, match="not allowed"):
            client.models.add_external("Own", key, "k", provider, endpoint=upstream.url)


def test_with_a_base_url_a_custom_model_needs_no_endpoint(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        request.answer("Hello")

    with server_with(monkeypatch, TROPISM_CUSTOM_BASE_URL=upstream.url) as client:
        upstream.model(client, "default", play, endpoint=None)
        assert client.chat.create(HELLO).choices[0].message.content == "Hello"
        with pytest.raises(tropism.UnprocessableEntityError, match="needs an `endpoint`"):
            client.models.add_external("Azure", "gpt", "k", "azure")


def test_embeddings_of_google(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        values = [{"values": [1.0, float(place)]} for place, _ in enumerate(request.body["requests"])]
        request.send({"embeddings": values, "usageMetadata": {"promptTokenCount": 4}})

    key = upstream.model(client, use_case, play, provider="google", kind="Embedding")
    made = call("embeddings.create", ["a", "b"], model=key, use_case=use_case)
    assert [each.embedding for each in made.data] == [[1.0, 0.0], [1.0, 1.0]]
    assert made.usage.prompt_tokens == 4
