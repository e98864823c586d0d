"""The OpenAI engine against a real server that behaves, and against one that does not."""

from __future__ import annotations

import asyncio
import json
import resource
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tropism.engines.openai import OpenAIEngine, azure, nvidia, open_ai
from tropism.engines.protocol import (
    EngineError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
    Message,
    ModelSource,
    Piece,
    Prompt,
    Usage,
)
from tropism.engines.provider import Timeouts

if TYPE_CHECKING:
    from .conftest import Upstream

KEY = "sk-secret-0123456789"
PROMPT = Prompt(messages=[Message(role="user", content="Hi")])
STREAMED = replace(PROMPT, stream=True)
ANSWER = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello 🦊"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def source(url: str, **fields: Any) -> ModelSource:
    fields = {"api_key": KEY, "external_model_id": "gpt", **fields}
    return ModelSource(key="m", kind="Generation", endpoint=url, **fields)


@pytest.fixture
async def engine(upstream: Upstream) -> AsyncIterator[OpenAIEngine]:
    timeouts = Timeouts(connect=1, between_bytes=0.3, whole_answer=0.3)
    engine = OpenAIEngine(source(upstream.url), timeouts=timeouts)
    await engine.start()
    yield engine
    await engine.close()


def event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"


def words(text: str, finish: str | None = None) -> bytes:
    return event(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


COUNT = event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"


async def answer(engine: OpenAIEngine, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in engine.generate(prompt)]


# What a well-behaved server gets and gives


async def test_a_whole_answer_is_one_piece(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.answer(ANSWER)
    usage = Usage(prompt_tokens=3, completion_tokens=2)
    assert await answer(engine, PROMPT) == [Piece(text="Hello 🦊", finish_reason="stop", usage=usage)]


async def test_the_request_says_what_the_prompt_says_and_no_more(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.answer(ANSWER)
    await answer(engine, replace(PROMPT, max_tokens=5, temperature=0.0, top_p=0.5, stop=("a",), seed=1))
    (request,) = upstream.requests
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "gpt",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 5,
        "temperature": 0.0,
        "top_p": 0.5,
        "stop": ["a"],
        "seed": 1,
        "stream": False,
    }


async def test_an_extra_parameter_that_is_null_leaves_it_out(upstream: Upstream) -> None:
    engine = OpenAIEngine(source(upstream.url, extra_params={"temperature": None, "top_k": 3}))
    await engine.start()
    upstream.answer(ANSWER)
    await answer(engine, replace(PROMPT, temperature=0.0))
    await engine.close()
    assert "temperature" not in upstream.requests[0].body
    assert upstream.requests[0].body["top_k"] == 3


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"json_schema": {"type": "object"}}, {"type": "json_object"}),
        (
            {"json_schema": {"type": "integer"}},
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "integer"}}},
        ),
        (
            {"json_schema": {"enum": ["a"]}, "json_schema_name": "letter", "json_schema_strict": True},
            {"type": "json_schema", "json_schema": {"name": "letter", "schema": {"enum": ["a"]}, "strict": True}},
        ),
    ],
)
async def test_a_json_schema_is_asked_for(engine: OpenAIEngine, upstream: Upstream, asked: Any, sent: Any) -> None:
    upstream.answer(ANSWER)
    await answer(engine, replace(PROMPT, **asked))
    assert upstream.requests[0].body["response_format"] == sent


async def test_a_schema_that_the_provider_does_not_take_is_refused(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.answer({"error": {"message": "Invalid schema for response_format"}}, "400 Bad Request")
    with pytest.raises(EngineRejected, match="Invalid schema for response_format"):
        await answer(engine, replace(PROMPT, json_schema={"type": "nonsense"}))


async def test_a_streamed_answer_comes_in_pieces(engine: OpenAIEngine, upstream: Upstream) -> None:
    role = event(choices=[{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    upstream.stream(b": ping\n\n", role, words("Hel"), words("lo"), words("", "length"), COUNT, DONE)
    assert await answer(engine, STREAMED) == [
        Piece(text="Hel"),
        Piece(text="lo"),
        Piece(finish_reason="length"),
        Piece(usage=Usage(prompt_tokens=3, completion_tokens=2)),
    ]
    assert upstream.requests[0].body["stream_options"] == {"include_usage": True}


async def test_a_stream_cut_into_single_bytes_is_the_same(engine: OpenAIEngine, upstream: Upstream) -> None:
    whole = (words("Hel") + words("lo 🦊", "stop") + COUNT + DONE).replace(b"\n", b"\r\n")
    upstream.stream(*(whole[i : i + 1] for i in range(len(whole))))
    assert "".join(piece.text for piece in await answer(engine, STREAMED)) == "Hello 🦊"


async def test_a_last_event_without_blank_line_counts(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(words("Hello").replace(b"\n", b"\r\n"), words("", "stop").rstrip())
    assert (await answer(engine, STREAMED))[-1] == Piece(finish_reason="stop")


async def test_a_stream_that_is_done_without_a_reason_has_stopped(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(words("Hello"), DONE)
    assert await answer(engine, STREAMED) == [Piece(text="Hello"), Piece(finish_reason="stop")]


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON ; charset=utf-8"])
async def test_a_server_that_cannot_stream_may_answer_whole(
    engine: OpenAIEngine, upstream: Upstream, content_type: str
) -> None:
    upstream.answer(ANSWER, content_type=content_type)
    assert [piece.text for piece in await answer(engine, STREAMED)] == ["Hello 🦊"]


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
async def test_a_missing_count_is_not_made_up(engine: OpenAIEngine, upstream: Upstream, prompt: Prompt) -> None:
    upstream.stream(words("Hello", "stop"), event(choices=[], usage={"prompt_tokens": 3}), DONE)
    if not prompt.stream:
        upstream.answer({"choices": ANSWER["choices"]})
    assert [piece.usage for piece in await answer(engine, prompt)] == [None]


@pytest.mark.parametrize(
    ("said", "meant"),
    [("eos", "stop"), ("content_filter", "content_filter"), ("function_call", "tool_calls"), ("length", "length")],
)
async def test_reasons_to_finish_are_folded_into_ours(
    engine: OpenAIEngine, upstream: Upstream, said: str, meant: Any
) -> None:
    message = {"content": None, "refusal": "I will not."}
    upstream.answer({"choices": [{"message": message, "finish_reason": said}]})
    assert await answer(engine, PROMPT) == [Piece(text="I will not.", finish_reason=meant)]


CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
async def test_calls_end_an_answer_even_where_the_server_says_stop(
    engine: OpenAIEngine, upstream: Upstream, prompt: Prompt
) -> None:
    upstream.answer({"choices": [{"message": {"content": None, "tool_calls": [CALL]}, "finish_reason": "stop"}]})
    if prompt.stream:
        upstream.stream(event(choices=[{"delta": {"tool_calls": [CALL]}}]), words("", "stop"), DONE)
    pieces = await answer(engine, prompt)
    assert [each.function.name for piece in pieces for each in piece.tool_calls] == ["f"]
    assert pieces[-1].finish_reason == "tool_calls"


async def test_probabilities_and_details_of_usage_are_read(engine: OpenAIEngine, upstream: Upstream) -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    choice = {"message": {"content": "Hi"}, "finish_reason": "stop", "logprobs": {"content": [token]}}
    details: Any = {"prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 2}}
    upstream.answer({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4, **details}})
    (piece,) = await answer(engine, replace(PROMPT, logprobs=True, top_logprobs=3))
    assert [(each.token, each.logprob) for each in piece.logprobs] == [("Hi", -0.5)]
    assert piece.usage == Usage(prompt_tokens=3, completion_tokens=4, cached_tokens=1, reasoning_tokens=2)
    assert (upstream.requests[0].body["logprobs"], upstream.requests[0].body["top_logprobs"]) == (True, 3)


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
async def test_connections_are_used_again(engine: OpenAIEngine, upstream: Upstream, prompt: Prompt) -> None:
    for _ in range(3):
        upstream.stream(words("Hello", "stop"), DONE)
        if not prompt.stream:
            upstream.answer(ANSWER)
        await answer(engine, prompt)
    assert upstream.connections == 1


async def test_closing_the_generator_hangs_up(engine: OpenAIEngine, upstream: Upstream) -> None:
    hung_up = asyncio.Event()

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + words("Hello"))
        try:
            while True:
                writer.write(b": still here\n\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            hung_up.set()

    upstream.play = play
    async with aclosing(engine.generate(STREAMED)) as pieces:
        assert (await anext(pieces)).text == "Hello"
    await asyncio.wait_for(hung_up.wait(), 2)


async def test_tokens_may_flow_for_longer_than_any_timeout(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(*[words("a")] * 6, words("", "stop"), DONE, seconds=0.1)
    assert len(await answer(engine, STREAMED)) == 7


async def test_a_hundred_requests_at_once_run_at_once(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(words("a"), words("b", "stop"), DONE, seconds=0.1)
    begin = time.monotonic()
    answers = await asyncio.gather(*(answer(engine, STREAMED) for _ in range(100)))
    assert {"".join(piece.text for piece in pieces) for pieces in answers} == {"ab"}
    assert time.monotonic() - begin < 5


async def test_embeddings_come_in_the_order_of_the_texts(engine: OpenAIEngine, upstream: Upstream) -> None:
    data = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1, 0]}]
    upstream.answer({"data": data, "usage": {"prompt_tokens": 4, "total_tokens": 4}})
    embeddings = await engine.embed(["a", "b"])
    assert (embeddings.vectors, embeddings.prompt_tokens) == ([[1.0, 0.0], [0.0, 1.0]], 4)
    assert upstream.requests[0].line == "POST /v1/embeddings HTTP/1.1"
    assert upstream.requests[0].body == {"model": "gpt", "input": ["a", "b"]}


async def test_too_few_vectors_are_an_error(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.answer({"data": [{"index": 0, "embedding": [1.0]}]})
    with pytest.raises(EngineError, match="one vector for each of 2 texts"):
        await engine.embed(["a", "b"])


# Providers


async def test_azure_takes_its_version_into_the_url_and_its_key_into_a_header_of_its_own(upstream: Upstream) -> None:
    engine = azure(source(upstream.url, extra_params={"api-version": "2024-10-21", "user": "u", "stream": True}))
    await engine.start()
    upstream.answer(ANSWER)
    await answer(engine, replace(PROMPT, max_tokens=5))
    await engine.close()
    (request,) = upstream.requests
    assert request.line == "POST /v1/chat/completions?api-version=2024-10-21 HTTP/1.1"
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers
    assert (request.body["user"], request.body["stream"], request.body["max_completion_tokens"]) == ("u", False, 5)


@pytest.mark.parametrize("make", [open_ai, nvidia])
async def test_known_providers_need_no_endpoint(make: Any) -> None:
    engine = make(ModelSource(key="m", kind="Generation", external_model_id="gpt", api_key=KEY))
    await engine.start()
    await engine.close()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"url": "ftp://host/v1"}, "http"),
        ({"url": "http://[/v1"}, "http"),
        ({"url": ""}, "http"),
        ({"url": "http://host/v1", "api_key": "sk-\nX-Other: 1"}, "characters that no key has"),
        ({"url": "http://host/v1", "external_model_id": None}, "external_model_id"),
    ],
)
async def test_what_cannot_work_is_said_at_the_start(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        await OpenAIEngine(source(**fields)).start()


async def test_a_closed_engine_is_not_available(upstream: Upstream) -> None:
    engine = OpenAIEngine(source(upstream.url))
    await engine.start()
    await engine.close()
    with pytest.raises(EngineUnavailable, match="not running"):
        await answer(engine, PROMPT)


async def test_closing_lets_a_running_request_end(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(words("a"), words("b", "stop"), DONE, seconds=0.1)
    running = asyncio.create_task(answer(engine, STREAMED))
    await asyncio.sleep(0.05)
    await engine.close()
    assert "".join(piece.text for piece in await running) == "ab"


# Upstreams that refuse, fail, lie or fall silent


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        ("400 Bad Request", EngineRejected, r"refused the request \(status 400\): too long"),
        ("404 Not Found", EngineRejected, "too long"),
        ("401 Unauthorized", EngineError, "refused the API key"),
        ("403 Forbidden", EngineError, "refused the API key"),
        ("429 Too Many Requests", EngineUnavailable, "no more requests for now: too long"),
        ("500 Internal Server Error", EngineError, r"failed \(status 500\): too long"),
        ("503 Service Unavailable", EngineUnavailable, "not available"),
        ("504 Gateway Timeout", EngineTimeout, "timed out"),
        ("307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/", EngineError, "redirects"),
    ],
)
async def test_a_refusal_has_the_right_kind_and_never_the_key(
    engine: OpenAIEngine, upstream: Upstream, prompt: Prompt, status: str, error: type[EngineError], message: str
) -> None:
    upstream.answer({"error": {"message": f"too long, {KEY}"}}, status)
    with pytest.raises(EngineError, match=message) as raised:
        await answer(engine, prompt)
    assert type(raised.value) is error
    assert KEY not in str(raised.value)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "plain words"}, "plain words"),
        ({"detail": "a detail"}, "a detail"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        (b"just text", "just text"),
        (b"<html>proxy</html>", r"status 400\)$"),
        (b"", r"status 400\)$"),
        (b"\xff\xfe", r"status 400\)"),
    ],
)
async def test_errors_of_other_shapes_are_understood(
    engine: OpenAIEngine, upstream: Upstream, body: object, message: str
) -> None:
    upstream.answer(body, "400 Bad Request")
    with pytest.raises(EngineRejected, match=message):
        await answer(engine, PROMPT)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "it is empty"),
        (b"<html>hello</html>", "not in OpenAI's format: '<html>"),
        (b'{"choices": [{"message"', "not in OpenAI's format"),
        (b'{"choices": [{"message": {"content": 7}}]}', "not in OpenAI's format"),
        (b'{"choices": [{"message": {"content": "\xff"}}]}', "not in OpenAI's format"),
        (b"[]", "not in OpenAI's format"),
        (b"{}", "without a choice"),
        (b'{"choices": []}', "without a choice"),
        (b'{"error": {"message": "quota"}}', "reported an error: quota"),
        (KEY.encode(), "'\\*\\*\\*'"),
    ],
)
async def test_garbage_is_an_error(engine: OpenAIEngine, upstream: Upstream, body: bytes, message: str) -> None:
    upstream.answer(body)
    with pytest.raises(EngineError, match=message):
        await answer(engine, PROMPT)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([], "middle of the answer"),
        ([words("Hel")], "middle of the answer"),
        ([words("Hel"), COUNT], "middle of the answer"),
        ([words("Hel"), b"data: {nonsense\n\n"], "not in OpenAI's format"),
        ([words("Hel"), b"data: \xff\n\n"], "not in OpenAI's format"),
        ([words("Hel"), event(error={"message": "overloaded"})], "overloaded"),
    ],
)
async def test_half_a_stream_is_an_error(
    engine: OpenAIEngine, upstream: Upstream, chunks: list[bytes], message: str
) -> None:
    upstream.stream(*chunks)
    with pytest.raises(EngineError, match=message):
        await answer(engine, STREAMED)


async def test_a_connection_that_breaks_is_unavailable(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(words("Hel"), end=False)
    with pytest.raises(EngineUnavailable, match="middle of the answer"):
        await answer(engine, STREAMED)


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
async def test_a_reset_is_unavailable(engine: OpenAIEngine, upstream: Upstream, prompt: Prompt) -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    upstream.play = play
    with pytest.raises(EngineUnavailable):
        await answer(engine, prompt)


async def test_what_is_not_http_is_an_error(engine: OpenAIEngine, upstream: Upstream) -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    upstream.play = play
    with pytest.raises(EngineError, match="not HTTP"):
        await answer(engine, PROMPT)


async def test_nobody_listening_is_unavailable() -> None:
    engine = OpenAIEngine(source("http://127.0.0.1:9/v1"))
    await engine.start()
    with pytest.raises(EngineUnavailable, match="cannot be reached"):
        await answer(engine, PROMPT)
    await engine.close()


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
async def test_silence_is_a_timeout(engine: OpenAIEngine, upstream: Upstream, prompt: Prompt) -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    upstream.play = play
    with pytest.raises(EngineTimeout):
        await answer(engine, prompt)


async def test_a_stream_that_falls_silent_is_a_timeout(engine: OpenAIEngine, upstream: Upstream) -> None:
    upstream.stream(words("Hel"), seconds=5)
    with pytest.raises(EngineTimeout):
        await answer(engine, STREAMED)


async def test_a_whole_answer_that_dribbles_is_a_timeout(engine: OpenAIEngine, upstream: Upstream) -> None:
    """Each byte comes in time, but the whole never would."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    upstream.play = play
    async with asyncio.timeout(5):
        with pytest.raises(EngineTimeout):
            await answer(engine, PROMPT)


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED])
async def test_an_answer_that_unpacks_to_far_more_is_refused_before_it_fills_the_memory(
    engine: OpenAIEngine, upstream: Upstream, prompt: Prompt
) -> None:
    """Four hundred kilobytes that are four hundred megabytes."""
    packed = zlib.compressobj(9, wbits=31)
    body = b"".join(packed.compress(bytes(2**20)) for _ in range(400)) + packed.flush()
    kind = b"text/event-stream" if prompt.stream else b"application/json"

    async def play(writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % (kind, len(body)) + body)

    upstream.play = play
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EngineError, match="longer than|makes no sense"):
        await answer(engine, prompt)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000, "in kilobytes"
