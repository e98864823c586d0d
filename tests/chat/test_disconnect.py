"""A caller who leaves: the generation stops, and what was generated is logged as cancelled."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.chat.upstream import SECONDS, Request, Upstream, eventually

import tropism
from tropism import AsyncTropism, Tropism
from tropism.testing import RunningServer
from tropism.wire.interactions import Interaction

HELLO = [{"role": "user", "content": "one two three"}]


async def endless(request: Request) -> None:
    """Says two words, and then nothing until the caller is gone."""
    request.begin()
    await request.say("one")
    await request.say(" two")
    await request.until_gone()


async def silent(request: Request) -> None:
    """Never answers."""
    await request.until_gone()


def cancelled(client: Tropism, use_case: str, count: int = 1) -> list[Interaction]:
    """The interactions of the use case, once there are `count`; all must be cancelled."""
    nodes: list[Interaction] = eventually(
        lambda: len(nodes := client.interactions.list(use_case=use_case).nodes) >= count and nodes
    )
    assert [each.finish_reason for each in nodes] == ["cancelled"] * count
    return nodes


def ask(server: RunningServer, path: str, body: dict[str, Any]) -> socket.socket:
    """Send a request on a bare socket, which can be closed at any moment."""
    where = urlsplit(server.base_url)
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\nContent-Length: {len(data)}"
    connection = socket.create_connection((where.hostname, where.port), timeout=SECONDS)
    connection.sendall(head.encode() + b"\r\n\r\n" + data)
    return connection


def test_to_leave_the_loop_stops_the_provider(client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, endless)
    for chunk in client.chat.create(HELLO, stream=True, use_case=use_case, labels={"a": "b"}):
        if chunk.choices[0].delta.content == " two":
            break
    assert upstream.gone.wait(SECONDS)
    (found,) = cancelled(client, use_case)
    assert (found.id, found.completion, found.model, found.labels) == (chunk.id, "one two", key, {"a": "b"})
    assert found.usage is None, "the provider never said how many tokens it read"
    assert found.timings.first_token_ms is not None


async def test_to_leave_the_loop_stops_the_provider_async(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    upstream.model(client, use_case, endless)
    async with AsyncTropism(server.base_url, server.api_key) as aclient:
        async with await aclient.chat.create(HELLO, stream=True, use_case=use_case) as stream:
            async for chunk in stream:
                if chunk.choices[0].delta.content == " two":
                    break
        assert await asyncio.to_thread(upstream.gone.wait, SECONDS)
    (found,) = await asyncio.to_thread(cancelled, client, use_case)
    assert found.completion == "one two"


async def test_a_cancelled_task_stops_the_provider(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    upstream.model(client, use_case, silent)
    seen = len(upstream.requests)
    async with AsyncTropism(server.base_url, server.api_key) as aclient:
        task = asyncio.ensure_future(aclient.chat.create(HELLO, use_case=use_case))
        await asyncio.to_thread(eventually, lambda: len(upstream.requests) > seen)
        task.cancel()
        assert await asyncio.to_thread(upstream.gone.wait, SECONDS)
    (found,) = await asyncio.to_thread(cancelled, client, use_case)
    assert (found.completion, found.timings.first_token_ms) == ("", None)


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/v1/chat/completions"])
@pytest.mark.parametrize("n", [1, 3])
def test_a_closed_socket_stops_a_whole_answer(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream, path: str, n: int
) -> None:
    upstream.model(client, use_case, silent)
    seen, before = len(upstream.requests), upstream.connections
    with ask(server, path, {"model": use_case, "messages": HELLO, "n": n}):
        eventually(lambda: len(upstream.requests) == seen + n)
    assert upstream.gone.wait(SECONDS)
    assert [found.completion for found in cancelled(client, use_case, n)] == [""] * n
    eventually(lambda: upstream.connections <= before)


@pytest.mark.parametrize("n", [1, 3])
def test_a_closed_socket_stops_a_stream(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream, n: int
) -> None:
    upstream.model(client, use_case, endless)
    before = upstream.connections
    with ask(server, "/api/v1/chat/completions", {"model": use_case, "messages": HELLO, "n": n, "stream": True}) as it:
        heard = b""
        while heard.count(b'" two"') < n:
            heard += it.recv(65536)
    assert upstream.gone.wait(SECONDS)
    assert [found.completion for found in cancelled(client, use_case, n)] == ["one two"] * n
    eventually(lambda: upstream.connections <= before)


def test_a_choice_that_was_complete_keeps_its_reason(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    turns = iter(range(2))

    async def play(request: Request) -> None:
        if next(turns) == 0:
            request.begin()
            await request.say("whole")
            await request.end(read=2, written=1)
        else:
            await endless(request)

    upstream.model(client, use_case, play)
    with ask(server, "/api/v1/chat/completions", {"model": use_case, "messages": HELLO, "n": 2, "stream": True}) as it:
        heard = b""
        while b'"stop"' not in heard or b'" two"' not in heard:
            heard += it.recv(65536)
    assert upstream.gone.wait(SECONDS)
    nodes = eventually(lambda: len(nodes := client.interactions.list(use_case=use_case).nodes) == 2 and nodes)
    assert {(each.completion, each.finish_reason) for each in nodes} == {
        ("whole", "stop"),
        ("one two", "cancelled"),
    }


def test_impatience_stops_the_provider(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    upstream.model(client, use_case, silent)
    with (
        Tropism(server.base_url, server.api_key, timeout=0.3) as hasty,
        pytest.raises(tropism.APITimeoutError, match="answered in time"),
    ):
        hasty.chat.create(HELLO, use_case=use_case)
    assert upstream.gone.wait(SECONDS)
    cancelled(client, use_case)


def test_a_provider_that_counts_along_is_believed(client: Tropism, use_case: str, upstream: Upstream) -> None:
    """vLLM sends a running count with each chunk when asked to by an extra parameter."""

    async def play(request: Request) -> None:
        assert request.body["stream_options"]["continuous_usage_stats"] is True
        request.begin()
        for count, text in enumerate(("one", " two"), 1):
            await request.say(text, usage={"prompt_tokens": 3, "completion_tokens": count})
        await request.until_gone()

    extra = {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    upstream.model(client, use_case, play, extra_params=extra)
    for chunk in client.chat.create(HELLO, stream=True, use_case=use_case):
        if chunk.choices[0].delta.content == " two":
            break
    assert upstream.gone.wait(SECONDS)
    (found,) = cancelled(client, use_case)
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (3, 2)


def test_a_cancelled_answer_of_the_echo_engine_has_its_real_count(
    client: Tropism, server: RunningServer, use_case: str
) -> None:
    words = " ".join(str(i) for i in range(200_000))
    body = {"model": use_case, "messages": [{"role": "user", "content": words}], "stream": True}
    with ask(server, "/api/v1/chat/completions", body) as it:
        it.recv(65536)  # and no more: the server has to wait for us, and cannot have said everything
    (found,) = cancelled(client, use_case)
    assert words.startswith(found.completion)
    assert 0 < len(found.completion) < len(words)
    assert found.usage is not None
    assert found.usage.completion_tokens == len(found.completion.split())
    assert found.usage.prompt_tokens == 200_000
