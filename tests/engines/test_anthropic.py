"""The Anthropic engine against a real server, whose answers and whose requests Anthropic's own SDK understands."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from anthropic.types import ContentBlockParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from msgspec.structs import replace
from pydantic import TypeAdapter

from tropism.engines.anthropic import AnthropicEngine
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
from tropism.wire.parts import (
    AudioPart,
    ContentPart,
    FileContent,
    FilePart,
    ImagePart,
    ImageUrl,
    InputAudio,
    TextPart,
)
from tropism.wire.tools import FunctionCall, FunctionDefinition, FunctionName, NamedTool, Tool, ToolCall

from .anthropic_cases import HIDDEN, THOUGHT, call, calling, event, message, stream, text, thinking, words

if TYPE_CHECKING:
    from .conftest import Upstream

KEY = "sk-ant-secret-0123456789"
PROMPT = Prompt(messages=[Message(role="user", content="Hi")])
STREAMED = replace(PROMPT, stream=True)
COUNT = Usage(prompt_tokens=128, completion_tokens=40, cached_tokens=100, cache_write_tokens=3, reasoning_tokens=12)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(
    type="function",
    function=FunctionDefinition(name="weather", description="Tell the weather.", parameters=SCHEMA, strict=True),
)
PDF = base64.b64encode(b"%PDF-1.7").decode()


def source(upstream: Upstream, **fields: Any) -> ModelSource:
    given = {"api_key": KEY, "external_model_id": "claude-sonnet-5-5", "endpoint": upstream.url, **fields}
    return ModelSource(key="m", kind="Generation", **given)


async def started(upstream: Upstream, **fields: Any) -> AnthropicEngine:
    timeouts = Timeouts(connect=1, between_bytes=0.3, whole_answer=0.3)
    engine = AnthropicEngine(source(upstream, **fields), timeouts=timeouts)
    await engine.start()
    return engine


@pytest.fixture
async def engine(upstream: Upstream) -> AsyncIterator[AnthropicEngine]:
    engine = await started(upstream)
    yield engine
    await engine.close()


@pytest.fixture
async def theirs(upstream: Upstream) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's own client of the same server."""
    url = upstream.url.removesuffix("/v1")
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0) as client:
        yield client


async def answer(engine: AnthropicEngine, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in engine.generate(prompt)]


def known_to_the_sdk(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the SDK's types read it: what they do not know is gone."""
    kind: Any = MessageCreateParamsStreaming if body["stream"] else MessageCreateParamsNonStreaming
    said = [{**message, "content": _read(list[ContentBlockParam], message["content"])} for message in body["messages"]]
    return {**_read(kind, {**body, "messages": []}), "messages": said}


def _read(kind: Any, value: Any) -> Any:
    types = TypeAdapter[Any](kind)
    return types.dump_python(types.validate_python(value), mode="json")


# Answers


async def test_a_whole_answer_is_one_piece(
    engine: AnthropicEngine, upstream: Upstream, theirs: anthropic.AsyncAnthropic
) -> None:
    upstream.answer(message(THOUGHT, text("Hello "), text("🦊")))
    assert await answer(engine, PROMPT) == [Piece(text="Hello 🦊", finish_reason="stop", usage=COUNT)]
    read = await theirs.messages.create(**upstream.requests[0].body)
    assert [block.text for block in read.content if block.type == "text"] == ["Hello ", "🦊"]
    assert read.usage.output_tokens_details is not None
    assert read.usage.output_tokens_details.thinking_tokens == 12


async def test_a_streamed_answer_comes_in_pieces(
    engine: AnthropicEngine, upstream: Upstream, theirs: anthropic.AsyncAnthropic
) -> None:
    upstream.stream(*stream(thinking(0), words(1, "Hel", "lo")))
    assert await answer(engine, STREAMED) == [
        Piece(text="Hel"),
        Piece(text="lo"),
        Piece(finish_reason="stop", usage=COUNT),
    ]
    events = [each async for each in await theirs.messages.create(**upstream.requests[0].body)]
    assert [each.type for each in events][:2] == ["message_start", "content_block_start"]


async def test_a_stream_cut_into_single_bytes_is_the_same(engine: AnthropicEngine, upstream: Upstream) -> None:
    whole = b"".join(stream(words(0, "Hel", "lo")))
    upstream.stream(*(whole[place : place + 1] for place in range(len(whole))))
    assert "".join(piece.text for piece in await answer(engine, STREAMED)) == "Hello"


async def test_calls_come_whole(engine: AnthropicEngine, upstream: Upstream, theirs: anthropic.AsyncAnthropic) -> None:
    upstream.answer(message(text("Let me see."), call("toolu_1", city="Rome"), call("toolu_2"), stop_reason="tool_use"))
    (piece,) = await answer(engine, PROMPT)
    assert [(each.index, each.id, each.function.arguments) for each in piece.tool_calls] == [
        (0, "toolu_1", '{"city":"Rome"}'),
        (1, "toolu_2", "{}"),
    ]
    assert (piece.text, piece.finish_reason) == ("Let me see.", "tool_calls")
    assert (await theirs.messages.create(**upstream.requests[0].body)).content[1].type == "tool_use"


async def test_calls_come_in_fragments(
    engine: AnthropicEngine, upstream: Upstream, theirs: anthropic.AsyncAnthropic
) -> None:
    calls = (calling(0, "toolu_1", "", '{"ci', 'ty": "Rome"}'), calling(1, "toolu_2"))
    upstream.stream(*stream(*calls, stop_reason="tool_use"))
    pieces = await answer(engine, STREAMED)
    fragments = [each for piece in pieces for each in piece.tool_calls]
    assert [(each.index, each.id, each.function.name) for each in fragments if each.id] == [
        (0, "toolu_1", "weather"),
        (1, "toolu_2", "weather"),
    ]
    joined = ["".join(each.function.arguments for each in fragments if each.index == index) for index in (0, 1)]
    assert (joined, pieces[-1].finish_reason) == (['{"city": "Rome"}', "{}"], "tool_calls")
    async with theirs.messages.stream(**_as_keywords(upstream.requests[0].body)) as read:
        assert [block.type for block in (await read.get_final_message()).content] == ["tool_use", "tool_use"]


def _as_keywords(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "stream"}


async def test_tools_that_the_provider_runs_itself_are_no_calls(engine: AnthropicEngine, upstream: Upstream) -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    asked = {"type": "input_json_delta", "partial_json": '{"query": "Rome"}'}
    begun = [event("content_block_start", index=1, content_block=search)]
    begun += [event("content_block_delta", index=1, delta=asked), event("content_block_stop", index=1)]
    upstream.stream(*stream(calling(0, "toolu_1", "{}"), begun, words(2, "Sunny.")))
    pieces = await answer(engine, STREAMED)
    assert [each.function.arguments for piece in pieces for each in piece.tool_calls] == ["", "{}"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("tool_use", "tool_calls"),
    ],
)
async def test_reasons_to_stop_are_folded_into_ours(
    engine: AnthropicEngine, upstream: Upstream, theirs: anthropic.AsyncAnthropic, said: str, meant: str
) -> None:
    upstream.answer(message(text("So."), stop_reason=said))
    assert [piece.finish_reason for piece in await answer(engine, PROMPT)] == [meant]
    assert (await theirs.messages.create(**upstream.requests[0].body)).stop_reason == said
    upstream.stream(*stream(words(0, "So."), stop_reason=said))
    assert (await answer(engine, STREAMED))[-1].finish_reason == meant


# Requests


async def test_the_request_says_what_the_prompt_says(engine: AnthropicEngine, upstream: Upstream) -> None:
    upstream.answer(message(text("Hi")))
    said = [Message(role="system", content="Be brief."), Message(role="user", content="Hi")]
    sampled = replace(PROMPT, messages=said, max_tokens=5, temperature=0.0, top_p=0.5, stop=("a",), seed=1)
    await answer(engine, sampled)
    (request,) = upstream.requests
    assert request.line == "POST /v1/messages HTTP/1.1"
    assert (request.headers["x-api-key"], request.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert request.body == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 5,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "temperature": 0.0,
        "top_p": 0.5,
        "stop_sequences": ["a"],
        "stream": False,
    }


async def test_extra_parameters_go_along_and_null_leaves_one_out(upstream: Upstream) -> None:
    extra = {"temperature": None, "thinking": {"type": "adaptive"}, "anthropic-beta": "context-1m", "max_tokens": 9}
    engine = await started(upstream, extra_params=extra)
    upstream.answer(message(text("Hi")))
    await answer(engine, replace(PROMPT, temperature=0.0))
    await engine.close()
    (request,) = upstream.requests
    assert request.headers["anthropic-beta"] == "context-1m"
    assert (request.body["thinking"], request.body["max_tokens"]) == ({"type": "adaptive"}, 9)
    assert "temperature" not in request.body
    assert request.body == known_to_the_sdk(request.body)


PARTS: list[ContentPart] = [
    TextPart(text="See:"),
    TextPart(text=""),
    ImagePart(image_url=ImageUrl(url="https://example.org/a.png")),
    ImagePart(image_url=ImageUrl(url=f"data:image/png;base64,{PDF}")),
    FilePart(file=FileContent(file_data=f"data:application/pdf;base64,{PDF}", filename="a.pdf")),
    FilePart(file=FileContent(file_data=f"data:text/plain;base64,{base64.b64encode(b'Hi').decode()}")),
    FilePart(file=FileContent(file_id="file_011CNha8iCJcU1wXNR6q4V8w")),
]


async def test_parts_and_tools_are_sent_as_the_sdk_knows_them(engine: AnthropicEngine, upstream: Upstream) -> None:
    upstream.answer(message(text("Hi")))
    asked = ToolCall(id="toolu_1", type="function", function=FunctionCall(name="weather", arguments='{"city":"Rome"}'))
    messages = [
        Message(role="user", content=PARTS),
        Message(role="assistant", tool_calls=[asked]),
        Message(role="tool", tool_call_id="toolu_1", content=[TextPart(text="sunny")]),
        Message(role="user", content="And?"),
    ]
    prompt = replace(PROMPT, messages=messages, tools=[WEATHER], json_schema=SCHEMA, tool_choice="required")
    await answer(engine, replace(prompt, parallel_tool_calls=False))
    body = upstream.requests[0].body
    assert body == known_to_the_sdk(body)
    asked_parts, called, answered = body["messages"]
    assert [part["type"] for part in asked_parts["content"]] == ["text", *["image"] * 2, *["document"] * 3]
    assert [part["source"]["type"] for part in asked_parts["content"][1:]] == [
        "url",
        "base64",
        "base64",
        "text",
        "file",
    ]
    assert called["content"] == [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}}]
    assert [part["type"] for part in answered["content"]] == ["tool_result", "text"]
    assert body["tools"] == [
        {"name": "weather", "description": "Tell the weather.", "input_schema": SCHEMA, "strict": True}
    ]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


@pytest.mark.parametrize(
    ("said", "parallel", "sent"),
    [
        ("auto", None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("none", None, {"type": "none"}),
        (
            NamedTool(type="function", function=FunctionName(name="weather")),
            None,
            {"type": "tool", "name": "weather"},
        ),
    ],
)
async def test_the_choice_of_tools_is_said(
    engine: AnthropicEngine, upstream: Upstream, said: Any, parallel: bool | None, sent: Any
) -> None:
    upstream.answer(message(text("Hi")))
    await answer(engine, replace(PROMPT, tools=[WEATHER], tool_choice=said, parallel_tool_calls=parallel))
    body = upstream.requests[0].body
    assert body.get("tool_choice") == sent
    assert body == known_to_the_sdk(body)


async def test_any_object_is_asked_for_in_words(engine: AnthropicEngine, upstream: Upstream) -> None:
    upstream.answer(message(text("{}")))
    await answer(engine, replace(PROMPT, json_schema={"type": "object"}))
    assert upstream.requests[0].body["system"] == "Answer with one JSON object and nothing else."
    assert "output_config" not in upstream.requests[0].body


@pytest.mark.parametrize("streamed", [False, True])
async def test_thoughts_go_back_with_the_call_that_they_led_to(
    engine: AnthropicEngine, upstream: Upstream, streamed: bool
) -> None:
    upstream.answer(message(THOUGHT, text("Let me see."), call("toolu_1"), HIDDEN, call("toolu_2")))
    if streamed:
        hidden = [event("content_block_start", index=3, content_block=HIDDEN), event("content_block_stop", index=3)]
        calls = (calling(2, "toolu_1"), hidden, calling(4, "toolu_2"))
        upstream.stream(*stream(thinking(0), words(1, "Let me see."), *calls, stop_reason="tool_use"))
    await answer(engine, replace(PROMPT, stream=streamed))
    asked = [
        ToolCall(id=id, type="function", function=FunctionCall(name="weather", arguments="{}"))
        for id in ("toolu_1", "toolu_2")
    ]
    upstream.answer(message(text("Sunny.")))
    called = Message(role="assistant", content="Let me see.", tool_calls=asked)
    answers = [Message(role="tool", tool_call_id=each.id, content="sunny") for each in asked]
    await answer(engine, replace(PROMPT, messages=[*PROMPT.messages, called, *answers]))
    body = upstream.requests[1].body
    sent = body["messages"][1]["content"]
    assert [block["type"] for block in sent] == ["thinking", "text", "tool_use", "redacted_thinking", "tool_use"]
    assert (sent[0], sent[3]) == (THOUGHT, HIDDEN)
    assert body == known_to_the_sdk(body)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"logprobs": True}, "logprobs"),
        (
            {"messages": [Message(role="user", content=[AudioPart(input_audio=InputAudio(data="", format="mp3"))])]},
            "sound",
        ),
        ({"messages": [Message(role="user", content=[ImagePart(image_url=ImageUrl(url="data:,x"))])]}, "data URL"),
        (
            {"messages": [Message(role="user", content=[ImagePart(image_url=ImageUrl(url="data:a/b;base64,é"))])]},
            "no base64",
        ),
        (
            {
                "messages": [
                    Message(
                        role="assistant",
                        tool_calls=[
                            ToolCall(id="c", type="function", function=FunctionCall(name="f", arguments="[1]"))
                        ],
                    )
                ]
            },
            "no JSON object",
        ),
    ],
)
async def test_what_the_provider_lacks_is_refused_before_it_is_asked(
    engine: AnthropicEngine, upstream: Upstream, fields: Any, message: str
) -> None:
    with pytest.raises(EngineRejected, match=message):
        await answer(engine, replace(PROMPT, **fields))
    assert upstream.requests == []


async def test_embeddings_are_refused(engine: AnthropicEngine) -> None:
    with pytest.raises(EngineRejected, match="another provider"):
        await engine.embed(["a"])


# What goes wrong


def error(type: str, words: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": type, "message": words}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}


@pytest.mark.parametrize(
    ("status", "type", "kind", "theirs_raises"),
    [
        ("400 Bad Request", "invalid_request_error", EngineRejected, anthropic.BadRequestError),
        ("401 Unauthorized", "authentication_error", EngineError, anthropic.AuthenticationError),
        ("403 Forbidden", "permission_error", EngineError, anthropic.PermissionDeniedError),
        ("404 Not Found", "not_found_error", EngineRejected, anthropic.NotFoundError),
        ("413 Too Large", "request_too_large", EngineRejected, anthropic.APIStatusError),
        ("429 Too Many", "rate_limit_error", EngineUnavailable, anthropic.RateLimitError),
        ("500 Internal", "api_error", EngineError, anthropic.InternalServerError),
        ("504 Timeout", "timeout_error", EngineTimeout, anthropic.InternalServerError),
        ("529 Overloaded", "overloaded_error", EngineUnavailable, anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("prompt", [PROMPT, STREAMED], ids=["whole", "stream"])
async def test_an_error_is_ours_in_the_providers_words(
    engine: AnthropicEngine,
    upstream: Upstream,
    theirs: anthropic.AsyncAnthropic,
    prompt: Prompt,
    status: str,
    type: str,
    kind: Any,
    theirs_raises: Any,
) -> None:
    upstream.answer(error(type, "their own words"), status)
    with pytest.raises(kind, match="refused the API key" if status[:3] == "401" else "their own words") as caught:
        await answer(engine, prompt)
    assert caught.type is kind
    with pytest.raises(theirs_raises):
        await theirs.messages.create(**upstream.requests[0].body)


@pytest.mark.parametrize(
    ("type", "kind"),
    [("overloaded_error", EngineUnavailable), ("api_error", EngineError), ("timeout_error", EngineTimeout)],
)
async def test_an_error_in_a_stream_is_ours(engine: AnthropicEngine, upstream: Upstream, type: str, kind: Any) -> None:
    begun = stream(words(0, "Hel"))[:4]
    upstream.stream(*begun, event("error", error={"type": type, "message": "their own words"}))
    heard: list[str] = []
    with pytest.raises(kind, match="their own words") as caught:
        await listen(engine, heard)
    assert (caught.type, heard) == (kind, ["Hel"])


async def listen(engine: AnthropicEngine, heard: list[str]) -> None:
    async for piece in engine.generate(STREAMED):
        heard.append(piece.text)


@pytest.mark.parametrize("end", [False, True], ids=["broken", "ended"])
async def test_a_stream_that_ends_early_is_no_answer(engine: AnthropicEngine, upstream: Upstream, end: bool) -> None:
    upstream.stream(*stream(words(0, "Hel"))[:4], end=end)
    with pytest.raises(EngineUnavailable, match="in the middle of the answer"):
        await answer(engine, STREAMED)


NESTED = b'{"x":' * 3000 + b"1" + b"}" * 3000


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED], ids=["whole", "stream"])
@pytest.mark.parametrize("said", [b"{{{", NESTED], ids=["no json", "nested"])
async def test_an_answer_of_another_format_is_an_error(
    engine: AnthropicEngine, upstream: Upstream, prompt: Prompt, said: bytes
) -> None:
    upstream.stream(b"data: " + said + b"\n\n")
    if not prompt.stream:
        upstream.answer(said)
    with pytest.raises(EngineError, match="not in Anthropic's format"):
        await answer(engine, prompt)
