"""The Google engine against a real server, whose answers and whose requests Google's own SDK understands."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from google import genai
from google.genai import errors, types
from msgspec.structs import replace

from tropism.engines.google import GoogleEngine
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
from tropism.wire.parts import AudioPart, ContentPart, FileContent, FilePart, ImagePart, ImageUrl, InputAudio, TextPart
from tropism.wire.tools import FunctionCall, FunctionDefinition, FunctionName, NamedTool, Tool, ToolCall

from .google_cases import BLOCKED, SIGNATURE, USAGE, call, error, event, text
from .google_cases import answer as said

if TYPE_CHECKING:
    from .conftest import Upstream

KEY = "AIzaSecret0123456789"
PROMPT = Prompt(messages=[Message(role="user", content="Hi")])
STREAMED = replace(PROMPT, stream=True)
COUNT = Usage(prompt_tokens=30, completion_tokens=19, cached_tokens=20, reasoning_tokens=12)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(
    type="function",
    function=FunctionDefinition(name="weather", description="Tell the weather.", parameters=SCHEMA),
)
STRICT = Tool(type="function", function=FunctionDefinition(name="strict", strict=True))
PICTURE = base64.b64encode(b"\x89PNG").decode()


async def started(upstream: Upstream, **fields: Any) -> GoogleEngine:
    given = {"api_key": KEY, "external_model_id": "gemini-3.5-flash", "endpoint": upstream.url, **fields}
    timeouts = Timeouts(connect=1, between_bytes=0.3, whole_answer=0.3)
    engine = GoogleEngine(ModelSource(key="m", kind="Generation", **given), timeouts=timeouts)
    await engine.start()
    return engine


@pytest.fixture
async def engine(upstream: Upstream) -> AsyncIterator[GoogleEngine]:
    engine = await started(upstream)
    yield engine
    await engine.close()


@pytest.fixture
async def theirs(upstream: Upstream) -> AsyncIterator[Any]:
    """Google's own client of the same server."""
    async with httpx.AsyncClient() as connections:
        there = types.HttpOptions(
            base_url=upstream.url.removesuffix("/v1"), api_version="v1", httpx_async_client=connections
        )
        with genai.Client(api_key=KEY, http_options=there) as client:
            yield client.aio.models


async def answer(engine: GoogleEngine, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in engine.generate(prompt)]


KNOWN: dict[str, Any] = {
    "contents": types.Content,
    "systemInstruction": types.Content,
    "tools": types.Tool,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
    "safetySettings": types.SafetySetting,
}


def check_with_the_sdk(body: dict[str, Any]) -> None:
    """Raise unless the SDK's types know each field of the request; they forbid others."""
    for name, value in body.items():
        for each in value if isinstance(value, list) else [value]:
            KNOWN[name].model_validate(each)


# Answers


async def test_a_whole_answer_is_one_piece(engine: GoogleEngine, upstream: Upstream, theirs: Any) -> None:
    upstream.answer(said(text("Hm.", thought=True), text("Hello "), text("🦊", thoughtSignature=SIGNATURE)))
    assert await answer(engine, PROMPT) == [Piece(text="Hello 🦊", finish_reason="stop", usage=COUNT)]
    read = await theirs.generate_content(model="gemini-3.5-flash", contents="Hi")
    assert (read.text, read.usage_metadata.thoughts_token_count) == ("Hello 🦊", 12)
    ours, their = upstream.requests
    assert (ours.line, ours.headers["x-goog-api-key"]) == (their.line, KEY)
    assert ours.body["contents"] == their.body["contents"]


async def test_a_streamed_answer_comes_in_pieces(engine: GoogleEngine, upstream: Upstream, theirs: Any) -> None:
    early = {"promptTokenCount": 30, "totalTokenCount": 31, "candidatesTokenCount": 1}
    upstream.stream(
        event(said(text("Hm.", thought=True), reason=None, usage=early)),
        event(said(text("Hel"), reason=None, usage=early)),
        event(said(text("lo"), reason=None, usage={})),
        event(said(reason="STOP")),
    )
    assert await answer(engine, STREAMED) == [
        Piece(text="Hel", usage=Usage(prompt_tokens=30, completion_tokens=1)),
        Piece(text="lo"),
        Piece(finish_reason="stop", usage=COUNT),
    ]
    read = [each async for each in await theirs.generate_content_stream(model="gemini-3.5-flash", contents="Hi")]
    assert "".join(each.text or "" for each in read) == "Hello"
    assert upstream.requests[0].line == upstream.requests[1].line
    assert upstream.requests[0].line == "POST /v1/models/gemini-3.5-flash:streamGenerateContent?alt=sse HTTP/1.1"


async def test_a_count_after_the_end_counts(engine: GoogleEngine, upstream: Upstream) -> None:
    upstream.stream(event(said(text("Hello"), usage={})), event({"usageMetadata": USAGE}))
    assert [piece.usage for piece in await answer(engine, STREAMED)] == [None, COUNT]


async def test_a_stream_cut_into_single_bytes_is_the_same(engine: GoogleEngine, upstream: Upstream) -> None:
    whole = event(said(text("Hel"), reason=None)) + event(said(text("lo 🦊")))
    upstream.stream(*(whole[place : place + 1] for place in range(len(whole))))
    assert "".join(piece.text for piece in await answer(engine, STREAMED)) == "Hello 🦊"


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED], ids=["whole", "stream"])
async def test_calls_come_with_ids(engine: GoogleEngine, upstream: Upstream, theirs: Any, prompt: Prompt) -> None:
    calls = [call("8f2b1a3c", SIGNATURE, city="Rome"), call(None)]
    upstream.stream(event(said(calls[0], reason=None)), event(said(calls[1])))
    if not prompt.stream:
        upstream.answer(said(*calls))
    pieces = await answer(engine, prompt)
    first, second = (each for piece in pieces for each in piece.tool_calls)
    assert (first.index, first.id, first.function.arguments) == (0, "8f2b1a3c", '{"city":"Rome"}')
    assert (second.index, second.function.name, second.function.arguments) == (1, "weather", "{}")
    assert second.id
    assert second.id.startswith("call_")
    assert pieces[-1].finish_reason == "tool_calls"
    upstream.answer(said(*calls))
    read = await theirs.generate_content(model="gemini-3.5-flash", contents="Hi")
    assert [each.args for each in read.function_calls] == [{"city": "Rome"}, {}]


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("STOP", "stop"),
        ("OTHER", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
    ],
)
async def test_reasons_to_finish_are_folded_into_ours(
    engine: GoogleEngine, upstream: Upstream, theirs: Any, reason: str, meant: str
) -> None:
    upstream.answer(said(text("So."), reason=reason))
    assert [piece.finish_reason for piece in await answer(engine, PROMPT)] == [meant]
    read = await theirs.generate_content(model="gemini-3.5-flash", contents="Hi")
    assert read.candidates[0].finish_reason == types.FinishReason(reason)


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED], ids=["whole", "stream"])
async def test_a_blocked_prompt_is_filtered(
    engine: GoogleEngine, upstream: Upstream, theirs: Any, prompt: Prompt
) -> None:
    upstream.stream(event(BLOCKED))
    if not prompt.stream:
        upstream.answer(BLOCKED)
    count = Usage(prompt_tokens=30, completion_tokens=0)
    assert await answer(engine, prompt) == [Piece(finish_reason="content_filter", usage=count)]
    upstream.answer(BLOCKED)
    read = await theirs.generate_content(model="gemini-3.5-flash", contents="Hi")
    assert read.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED], ids=["whole", "stream"])
async def test_a_call_that_makes_no_sense_is_an_error(engine: GoogleEngine, upstream: Upstream, prompt: Prompt) -> None:
    failed = said(reason="MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: weather(")
    upstream.stream(event(failed))
    if not prompt.stream:
        upstream.answer(failed)
    with pytest.raises(EngineError, match=r"MALFORMED_FUNCTION_CALL: Malformed function call: weather\("):
        await answer(engine, prompt)


async def test_probabilities_are_read(engine: GoogleEngine, upstream: Upstream, theirs: Any) -> None:
    likely = [{"token": "Hi", "tokenId": 1, "logProbability": -0.5}, {"token": "Ho", "logProbability": -1.5}]
    result = {"chosenCandidates": likely[:1], "topCandidates": [{"candidates": likely}]}
    upstream.answer(said(text("Hi"), logprobsResult=result))
    (piece,) = await answer(engine, replace(PROMPT, logprobs=True, top_logprobs=2))
    (token,) = piece.logprobs
    assert (token.token, token.logprob, token.bytes) == ("Hi", -0.5, [72, 105])
    assert [(top.token, top.logprob) for top in token.top_logprobs] == [("Hi", -0.5), ("Ho", -1.5)]
    config = upstream.requests[0].body["generationConfig"]
    assert (config["responseLogprobs"], config["logprobs"]) == (True, 2)
    read = await theirs.generate_content(model="gemini-3.5-flash", contents="Hi")
    assert read.candidates[0].logprobs_result.chosen_candidates[0].log_probability == -0.5


# Requests


async def test_the_request_says_what_the_prompt_says(engine: GoogleEngine, upstream: Upstream) -> None:
    upstream.answer(said(text("Hi")))
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="Hi")]
    prompt = replace(PROMPT, messages=messages, max_tokens=5, temperature=0.0, top_p=0.5, stop=("a",), seed=1)
    await answer(engine, replace(prompt, json_schema=SCHEMA))
    (request,) = upstream.requests
    assert request.line == "POST /v1/models/gemini-3.5-flash:generateContent HTTP/1.1"
    assert request.body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {
            "maxOutputTokens": 5,
            "temperature": 0.0,
            "topP": 0.5,
            "stopSequences": ["a"],
            "seed": 1,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
        },
    }
    check_with_the_sdk(request.body)


async def test_extra_parameters_go_along_and_null_leaves_one_out(upstream: Upstream) -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    extra = {"temperature": None, "thinkingConfig": {"thinkingLevel": "low"}, "safetySettings": safety}
    engine = await started(upstream, extra_params=extra)
    upstream.answer(said(text("{}")))
    await answer(engine, replace(PROMPT, temperature=0.0, json_schema={"type": "object"}))
    await engine.close()
    body = upstream.requests[0].body
    assert body["generationConfig"] == {
        "thinkingConfig": {"thinkingLevel": "low"},
        "responseMimeType": "application/json",
    }
    assert body["safetySettings"] == safety
    check_with_the_sdk(body)


PARTS: list[ContentPart] = [
    TextPart(text="See:"),
    TextPart(text=""),
    ImagePart(image_url=ImageUrl(url="https://example.org/a.png?size=2")),
    ImagePart(image_url=ImageUrl(url=f"data:image/png;base64,{PICTURE}")),
    AudioPart(input_audio=InputAudio(data=PICTURE, format="mp3")),
    FilePart(file=FileContent(file_data=f"data:application/pdf;base64,{PICTURE}")),
    FilePart(file=FileContent(file_id="https://generativelanguage.googleapis.com/v1beta/files/abc")),
]


async def test_parts_are_sent_as_the_sdk_knows_them(engine: GoogleEngine, upstream: Upstream) -> None:
    upstream.answer(said(text("Hi")))
    await answer(engine, replace(PROMPT, messages=[Message(role="user", content=PARTS)]))
    body = upstream.requests[0].body
    check_with_the_sdk(body)
    assert body["contents"][0]["parts"] == [
        {"text": "See:"},
        {"fileData": {"fileUri": "https://example.org/a.png?size=2", "mimeType": "image/png"}},
        {"inlineData": {"mimeType": "image/png", "data": PICTURE}},
        {"inlineData": {"mimeType": "audio/mp3", "data": PICTURE}},
        {"inlineData": {"mimeType": "application/pdf", "data": PICTURE}},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
    ]


def called(*ids: str) -> list[Message]:
    """A model's calls, and what the tool said to each."""
    function = FunctionCall(name="weather", arguments='{"city":"Rome"}')
    calls = [ToolCall(id=id, type="function", function=function) for id in ids]
    answers = [Message(role="tool", tool_call_id=id, content=f"sunny {id}") for id in ids]
    return [Message(role="assistant", tool_calls=calls), *answers]


async def test_calls_and_answers_of_tools_are_turns(engine: GoogleEngine, upstream: Upstream) -> None:
    upstream.answer(said(text("Hi")))
    answered = Message(role="tool", tool_call_id="b", content='{"degrees": 18}')
    messages = [*PROMPT.messages, *called("a", "b")[:2], answered]
    await answer(engine, replace(PROMPT, messages=messages, tools=[WEATHER]))
    body = upstream.requests[0].body
    check_with_the_sdk(body)
    _, asked, heard = body["contents"]
    assert [part["functionCall"] for part in asked["parts"]] == [
        {"id": id, "name": "weather", "args": {"city": "Rome"}} for id in ("a", "b")
    ]
    assert heard["parts"] == [
        {"functionResponse": {"id": "a", "name": "weather", "response": {"output": "sunny a"}}},
        {"functionResponse": {"id": "b", "name": "weather", "response": {"degrees": 18}}},
    ]
    declared = {"name": "weather", "description": "Tell the weather.", "parametersJsonSchema": SCHEMA}
    assert body["tools"] == [{"functionDeclarations": [declared]}]
    assert "toolConfig" not in body


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_signatures_go_back_with_their_calls(engine: GoogleEngine, upstream: Upstream, streamed: bool) -> None:
    made = said(call("a", SIGNATURE), call("b"))
    upstream.answer(made)
    if streamed:
        upstream.stream(event(made))
    await answer(engine, replace(PROMPT, stream=streamed))
    upstream.answer(said(text("Sunny.")))
    await answer(engine, replace(PROMPT, messages=[*PROMPT.messages, *called("a", "b")]))
    parts = upstream.requests[1].body["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [SIGNATURE, None]
    check_with_the_sdk(upstream.requests[1].body)


@pytest.mark.parametrize(
    ("model", "sent"),
    [("gemini-3.5-flash", "skip_thought_signature_validator"), ("models/gemini-2.5-flash", None)],
)
async def test_calls_of_others_are_marked_where_the_model_asks_for_signatures(
    upstream: Upstream, model: str, sent: str | None
) -> None:
    engine = await started(upstream, external_model_id=model)
    upstream.answer(said(text("Sunny.")))
    await answer(engine, replace(PROMPT, messages=[*PROMPT.messages, *called("x", "y")]))
    await engine.close()
    parts = upstream.requests[0].body["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [sent, None]
    assert upstream.requests[0].line.startswith(f"POST /v1/models/{model.removeprefix('models/')}:")


@pytest.mark.parametrize(
    ("tools", "choice", "sent"),
    [
        ([WEATHER], "auto", None),
        ([WEATHER], "none", {"mode": "NONE"}),
        ([WEATHER], "required", {"mode": "ANY"}),
        (
            [WEATHER],
            NamedTool(type="function", function=FunctionName(name="weather")),
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
        ([WEATHER, STRICT], None, {"mode": "VALIDATED"}),
    ],
)
async def test_the_choice_of_tools_is_said(
    engine: GoogleEngine, upstream: Upstream, tools: Any, choice: Any, sent: Any
) -> None:
    upstream.answer(said(text("Hi")))
    await answer(engine, replace(PROMPT, tools=tools, tool_choice=choice))
    body = upstream.requests[0].body
    assert body.get("toolConfig", {}).get("functionCallingConfig") == sent
    check_with_the_sdk(body)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tools": [WEATHER], "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"messages": [Message(role="tool", tool_call_id="x", content="sunny")]}, "answers none of the calls"),
        ({"messages": [Message(role="user", content=[FilePart(file=FileContent(filename="a"))])]}, "file_data"),
    ],
)
async def test_what_the_provider_lacks_is_refused_before_it_is_asked(
    engine: GoogleEngine, upstream: Upstream, fields: Any, message: str
) -> None:
    with pytest.raises(EngineRejected, match=message):
        await answer(engine, replace(PROMPT, **fields))
    assert upstream.requests == []


# Embeddings


async def test_embeddings_come_in_the_order_of_the_texts(upstream: Upstream, theirs: Any) -> None:
    engine = await started(upstream, external_model_id="gemini-embedding-001", extra_params={"outputDimensionality": 2})
    made = {"embeddings": [{"values": [1.0, 0.0]}, {"values": [0.0, 1.0]}], "usageMetadata": {"promptTokenCount": 4}}
    upstream.answer(made)
    found = await engine.embed(["a", "b"])
    await engine.close()
    assert (found.vectors, found.prompt_tokens) == ([[1.0, 0.0], [0.0, 1.0]], 4)
    config = types.EmbedContentConfig(output_dimensionality=2)
    read = await theirs.embed_content(model="gemini-embedding-001", contents=["a", "b"], config=config)
    assert [each.values for each in read.embeddings] == [[1.0, 0.0], [0.0, 1.0]]
    ours, their = upstream.requests
    assert ours.line == their.line
    for mine, yours in zip(ours.body["requests"], their.body["requests"], strict=True):
        assert mine == {**yours, "content": {"parts": yours["content"]["parts"]}}


async def test_too_few_vectors_are_an_error(engine: GoogleEngine, upstream: Upstream) -> None:
    upstream.answer({"embeddings": [{"values": [1.0]}]})
    with pytest.raises(EngineError, match="one vector for each of 2 texts"):
        await engine.embed(["a", "b"])


# What goes wrong


@pytest.mark.parametrize(
    ("code", "status", "kind", "theirs_raises"),
    [
        (400, "INVALID_ARGUMENT", EngineRejected, errors.ClientError),
        (403, "PERMISSION_DENIED", EngineError, errors.ClientError),
        (404, "NOT_FOUND", EngineRejected, errors.ClientError),
        (429, "RESOURCE_EXHAUSTED", EngineUnavailable, errors.ClientError),
        (500, "INTERNAL", EngineError, errors.ServerError),
        (503, "UNAVAILABLE", EngineUnavailable, errors.ServerError),
        (504, "DEADLINE_EXCEEDED", EngineTimeout, errors.ServerError),
    ],
)
async def test_an_error_is_ours_in_the_providers_words(
    engine: GoogleEngine, upstream: Upstream, theirs: Any, code: int, status: str, kind: Any, theirs_raises: Any
) -> None:
    upstream.answer(error(code, status, "their own words"), f"{code} Said")
    for prompt in (PROMPT, STREAMED):
        with pytest.raises(kind, match="their own words") as caught:
            await answer(engine, prompt)
        assert caught.type is kind
    with pytest.raises(theirs_raises):
        await theirs.generate_content(model="gemini-3.5-flash", contents="Hi")
    upstream.stream(event(said(text("Hel"), reason=None)), event(error(code, status, "their own words")))
    with pytest.raises(kind, match="their own words") as caught:
        await answer(engine, STREAMED)
    assert caught.type is kind


async def test_a_refused_key_is_not_told(engine: GoogleEngine, upstream: Upstream) -> None:
    refused = error(400, "INVALID_ARGUMENT", f"API key not valid: {KEY}")
    refused["error"]["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    upstream.answer(refused, "400 Bad Request")
    with pytest.raises(EngineError, match="refused the API key") as caught:
        await answer(engine, PROMPT)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("end", [False, True], ids=["broken", "ended"])
async def test_a_stream_that_ends_early_is_no_answer(engine: GoogleEngine, upstream: Upstream, end: bool) -> None:
    upstream.stream(event(said(text("Hel"), reason=None)), end=end)
    with pytest.raises(EngineUnavailable, match="in the middle of the answer"):
        await answer(engine, STREAMED)


@pytest.mark.parametrize("body", [{}, {"candidates": []}, said(text("Hel"), reason=None)])
async def test_an_answer_without_an_end_is_an_error(engine: GoogleEngine, upstream: Upstream, body: Any) -> None:
    upstream.answer(body)
    with pytest.raises(EngineError, match="without a candidate"):
        await answer(engine, PROMPT)


NESTED = b'{"x":' * 3000 + b"1" + b"}" * 3000


@pytest.mark.parametrize("prompt", [PROMPT, STREAMED], ids=["whole", "stream"])
@pytest.mark.parametrize("said", [b"{{{", NESTED], ids=["no json", "nested"])
async def test_an_answer_of_another_format_is_an_error(
    engine: GoogleEngine, upstream: Upstream, prompt: Prompt, said: bytes
) -> None:
    upstream.stream(b"data: " + said + b"\n\n")
    if not prompt.stream:
        upstream.answer(said)
    with pytest.raises(EngineError, match="not in Google's format"):
        await answer(engine, prompt)
