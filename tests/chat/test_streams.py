"""Streamed answers through the SDK, on both faces, and as bytes on the wire."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import Any
from uuid import UUID

import httpx2
import pytest
from tests.chat.upstream import Request, Upstream
from tests.conftest import Both

import tropism
from tropism import AsyncTropism, Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two three"}]


def events(server: RunningServer, path: str, body: dict[str, Any]) -> list[str]:
    """The data of all events of an answer, as they are on the wire."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    response = httpx2.post(server.base_url + path, json={**body, "stream": True}, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    *blocks, rest = response.text.split("\n\n")
    assert rest == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    return [block.removeprefix("data: ") for block in blocks]


def test_the_pieces_of_a_stream_make_the_answer(call: Both, use_case: str) -> None:
    chunks = call.items(call("chat.create", HELLO, stream=True, use_case=use_case))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["one", " two", " three", ""]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None, None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert {(chunk.id, chunk.session_id, chunk.model, chunk.usage) for chunk in chunks} == {
        (chunks[0].id, chunks[0].session_id, "echo-a", None)
    }
    assert {chunk.choices[0].completion_id for chunk in chunks} == {chunks[0].id}


def test_a_stream_is_logged_when_its_end_is_heard(call: Both, use_case: str) -> None:
    stream = call("chat.create", HELLO, stream=True, labels={"a": "b"}, max_tokens=2, use_case=use_case)
    found = call("interactions.get", call.items(stream)[0].id, use_case=use_case)
    assert (found.completion, found.finish_reason, found.model) == ("one two", "length", "echo-a")
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.total_tokens) == (3, 2, 5)
    assert (found.labels, found.parameters.max_tokens) == ({"a": "b"}, 2)
    assert 0 < found.timings.first_token_ms <= found.timings.latency_ms


def test_usage_comes_in_a_chunk_of_its_own_when_asked_for(call: Both, use_case: str) -> None:
    stream = call("chat.create", HELLO, stream=True, stream_include_usage=True, use_case=use_case)
    *chunks, last = call.items(stream)
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert (last.choices, last.usage.total_tokens) == ([], 6)
    silent = call.items(call("chat.create", HELLO, stream=True, stream_include_usage=False, use_case=use_case))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)


def test_n_choices_stream_side_by_side(call: Both, use_case: str) -> None:
    chunks = call.items(call("chat.create", HELLO, stream=True, n=3, stream_include_usage=True, use_case=use_case))
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 9)
    texts: dict[int, str] = defaultdict(str)
    ids: dict[int, set[UUID]] = defaultdict(set)
    roles: dict[int, list[str | None]] = defaultdict(list)
    ends: dict[int, list[str | None]] = defaultdict(list)
    for part in (chunk.choices[0] for chunk in chunks[:-1]):
        texts[part.index] += part.delta.content
        ids[part.index].add(part.completion_id)
        roles[part.index].append(part.delta.role)
        ends[part.index].append(part.finish_reason)
    assert texts == dict.fromkeys(range(3), "one two three")
    assert all(each[0] == "assistant" and not any(each[1:]) for each in roles.values())
    assert all(each[-1] == "stop" and not any(each[:-1]) for each in ends.values())
    assert all(len(each) == 1 for each in ids.values())
    for index, (id,) in ids.items():
        found = call("interactions.get", id, use_case=use_case)
        assert (found.completion, found.usage.completion_tokens) == (texts[index], 3)
    assert call("interactions.list", use_case=use_case).total_count == 3


def test_completions_stream_texts(call: Both, use_case: str) -> None:
    stream = call("completions.create", "one two", stream=True, stream_include_usage=True, use_case=use_case)
    *chunks, last = call.items(stream)
    assert [chunk.choices[0].text for chunk in chunks] == ["one", " two", ""]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert (last.choices, last.usage.total_tokens) == ([], 4)
    assert call("interactions.get", chunks[0].id, use_case=use_case).completion == "one two"


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/api/v1/completions", "/v1/chat/completions"])
def test_every_stream_ends_with_done(server: RunningServer, use_case: str, path: str) -> None:
    asked = {"prompt": "one two"} if path == "/api/v1/completions" else {"messages": HELLO}
    *chunks, last = events(server, path, {"model": use_case, **asked, "stream_options": {"include_usage": True}})
    assert last == "[DONE]"
    assert json.loads(chunks[-1])["choices"] == []
    assert all(json.loads(chunk)["choices"] for chunk in chunks[:-1])


def test_an_empty_answer_is_an_answer(call: Both, use_case: str) -> None:
    (chunk,) = call.items(call("chat.create", [{"role": "user", "content": ""}], stream=True, use_case=use_case))
    assert (chunk.choices[0].delta.content, chunk.choices[0].finish_reason) == ("", "stop")
    assert call("interactions.get", chunk.id, use_case=use_case).completion == ""


def test_what_is_wrong_before_the_first_piece_is_an_ordinary_error(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.NotFoundError, match="not attached"):
        call("chat.create", HELLO, stream=True, model="echo-c", use_case=use_case)
    with pytest.raises(tropism.BadRequestError, match="repeats the last user message"):
        call("chat.create", [{"role": "system", "content": "x"}], stream=True, use_case=use_case)
    assert call("interactions.list", use_case=use_case).total_count == 0


def test_a_piece_is_here_before_the_next_one_is_made(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        request.begin()
        for text in ("first", "second", "third"):
            await request.say(text)
            await request.until_told()
        await request.end()

    upstream.model(client, use_case, play)
    heard = []
    with client.chat.create(HELLO, stream=True, use_case=use_case) as stream:
        for chunk in stream:
            heard.append(chunk.choices[0].delta.content)
            upstream.go_on()
    assert heard == ["first", "second", "third", ""]


async def test_a_piece_is_here_before_the_next_one_is_made_async(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.begin()
        for text in ("first", "second", "third"):
            await request.say(text)
            await request.until_told()
        await request.end()

    upstream.model(client, use_case, play)
    heard = []
    async with AsyncTropism(server.base_url, server.api_key) as aclient:
        async for chunk in await aclient.chat.create(HELLO, stream=True, use_case=use_case):
            heard.append(chunk.choices[0].delta.content)
            upstream.go_on()
    assert heard == ["first", "second", "third", ""]


async def test_a_slow_stream_holds_up_nobody_else(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("slow")
        await request.until_told()
        await request.end()

    slow = upstream.model(client, use_case, play)
    async with AsyncTropism(server.base_url, server.api_key) as aclient:
        stream = await aclient.chat.create(HELLO, stream=True, model=slow, use_case=use_case)
        assert (await anext(stream)).choices[0].delta.content == "slow"
        quick = [aclient.chat.create(HELLO, model="echo-b", use_case=use_case) for _ in range(20)]
        assert len(await asyncio.gather(*quick)) == 20
        upstream.go_on()
        assert [chunk.choices[0].finish_reason async for chunk in stream] == ["stop"]


def test_a_provider_is_asked_for_usage_and_its_own_count_is_logged(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("a")
        await request.say("b")
        await request.end(read=17, written=29)

    upstream.model(client, use_case, play)
    stream = call("chat.create", HELLO, stream=True, stream_include_usage=True, use_case=use_case)
    *chunks, last = call.items(stream)
    assert upstream.requests[-1].body["stream_options"] == {"include_usage": True}
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (17, 29)
    found = call("interactions.get", chunks[0].id, use_case=use_case)
    assert (found.completion, found.usage) == ("ab", last.usage)
