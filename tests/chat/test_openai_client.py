"""OpenAI's own client, sync and async, against the server by its base URL alone."""

from __future__ import annotations

import base64
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import openai
import pytest
from tests.chat.upstream import Request, Upstream

from tropism import Tropism
from tropism.testing import RunningServer

HELLO: Any = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def theirs(server: RunningServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key, max_retries=0) as client:
        yield client


@pytest.fixture
async def atheirs(server: RunningServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key, max_retries=0) as client:
        yield client


def test_chat(theirs: openai.OpenAI, client: Tropism, use_case: str) -> None:
    answer = theirs.chat.completions.create(
        model=f"{use_case}/echo-b",
        messages=HELLO,
        temperature=0.5,
        max_completion_tokens=2,
        metadata={"topic": "letters"},
        user="someone@example.org",
    )
    assert (answer.object, answer.model, answer.choices[0].message.role) == ("chat.completion", "echo-b", "assistant")
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("one two", "length")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 2, 5)
    found = client.interactions.get(answer.id, use_case=use_case)
    assert (found.completion, found.labels, found.parameters.max_tokens) == ("one two", {"topic": "letters"}, 2)
    again = theirs.chat.completions.create(model=use_case, messages=HELLO, user="someone@example.org")
    assert found.user == client.interactions.get(again.id, use_case=use_case).user is not None


async def test_chat_async(atheirs: openai.AsyncOpenAI, use_case: str) -> None:
    answer = await atheirs.chat.completions.create(model=use_case, messages=HELLO, n=2, stop="three")
    assert [(choice.message.content or "").strip() for choice in answer.choices] == ["one two"] * 2
    assert [choice.index for choice in answer.choices] == [0, 1]


def test_a_response_takes_feedback_by_its_id(theirs: openai.OpenAI, client: Tropism, use_case: str) -> None:
    answer = theirs.chat.completions.create(model=use_case, messages=HELLO)
    client.feedback.log_metric(4.5, answer.id, f"{use_case}-stars")
    found = client.interactions.get(answer.id, use_case=use_case)
    assert [feedback.value for feedback in found.direct_feedbacks] == [4.5]


def test_a_stream(theirs: openai.OpenAI, client: Tropism, use_case: str) -> None:
    stream = theirs.chat.completions.create(
        model=use_case, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = list(stream)
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["one", " two", " three", None]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None, None]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == 6
    assert client.interactions.get(last.id, use_case=use_case).completion == "one two three"


async def test_a_stream_async_with_the_clients_own_accumulator(atheirs: openai.AsyncOpenAI, use_case: str) -> None:
    async with atheirs.chat.completions.stream(model=use_case, messages=HELLO) as stream:
        whole = await stream.get_final_completion()
    assert whole.choices[0].message.content == "one two three"
    assert whole.choices[0].finish_reason == "stop"


def test_parts_of_text_and_the_developers_role(theirs: openai.OpenAI, client: Tropism, use_case: str) -> None:
    messages: Any = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]},
    ]
    answer = theirs.chat.completions.create(model=use_case, messages=messages)
    assert answer.choices[0].message.content == "one two"
    found = client.interactions.get(answer.id, use_case=use_case)
    assert [(m.role, m.content) for m in found.messages] == [("system", "Be brief."), ("user", "one two")]


def test_embeddings_by_default_and_as_numbers(
    theirs: openai.OpenAI, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        data = [{"index": i, "embedding": [i, 0.25, -1]} for i, _ in enumerate(request.body["input"])]
        request.send({"data": data, "usage": {"prompt_tokens": 4, "total_tokens": 4}})

    upstream.model(client, use_case, play, kind="Embedding")
    made = theirs.embeddings.create(model=use_case, input=["a", "b"])
    assert [(each.index, each.embedding) for each in made.data] == [(0, [0, 0.25, -1]), (1, [1, 0.25, -1])]
    assert (made.object, made.usage.prompt_tokens, made.usage.total_tokens) == ("list", 4, 4)
    assert theirs.embeddings.create(model=use_case, input="a", encoding_format="float").data[0].embedding == [
        0,
        0.25,
        -1,
    ]
    raw: Any = theirs.embeddings.create(model=use_case, input="a", encoding_format="base64").data[0].embedding
    assert struct.unpack("<3f", base64.b64decode(raw)) == (0, 0.25, -1)
    with pytest.raises(openai.UnprocessableEntityError, match="dimensions"):
        theirs.embeddings.create(model=use_case, input="a", dimensions=2)


def test_models_are_use_cases_and_their_models(theirs: openai.OpenAI, use_case: str) -> None:
    names = [model.id for model in theirs.models.list()]
    assert {use_case, f"{use_case}/echo-a", f"{use_case}/echo-b"} <= set(names)
    assert len(names) == len(set(names))
    assert f"{use_case}/echo-c" not in names
    for name in (use_case, f"{use_case}/echo-b"):
        assert theirs.chat.completions.create(model=name, messages=HELLO).choices


def test_errors_are_the_clients_own(server: RunningServer, theirs: openai.OpenAI, use_case: str) -> None:
    with pytest.raises(openai.NotFoundError, match=r"no use case 'nowhere'") as caught:
        theirs.chat.completions.create(model="nowhere", messages=HELLO)
    assert (caught.value.status_code, caught.value.type, caught.value.code) == (404, "not_found", "not_found")
    with pytest.raises(openai.UnprocessableEntityError, match="temperature") as refused:
        theirs.chat.completions.create(model=use_case, messages=HELLO, temperature=3)
    assert refused.value.param == "temperature"
    with pytest.raises(openai.BadRequestError, match="repeats the last user message"):
        theirs.chat.completions.create(model=use_case, messages=[{"role": "system", "content": "x"}])
    stranger = openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="tk_wrong", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError, match="not known here"):
        stranger.chat.completions.create(model=use_case, messages=HELLO)
    with pytest.raises(openai.NotFoundError):
        theirs.responses.create(model=use_case, input="hi")


@pytest.mark.parametrize(
    "unsupported",
    [
        {"functions": [{"name": "f", "parameters": {}}]},
        {"logit_bias": {"1": 100}},
        {"frequency_penalty": 0.5},
        {"presence_penalty": -0.5},
        {"audio": {"voice": "alloy", "format": "mp3"}, "modalities": ["text", "audio"]},
        {"web_search_options": {"search_context_size": "low"}},
    ],
    ids=lambda given: "-".join(given),
)
def test_what_would_change_the_answer_is_refused_by_name(
    theirs: openai.OpenAI, client: Tropism, use_case: str, unsupported: Any
) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="not supported|takes only") as caught:
        theirs.chat.completions.create(model=use_case, messages=HELLO, **unsupported)
    assert caught.value.param in unsupported
    assert client.interactions.list(use_case=use_case).total_count == 0


@pytest.mark.parametrize(
    "harmless",
    [
        {"tools": []},
        {"response_format": {"type": "text"}},
        {"response_format": {"type": "json_object"}},
        {"logprobs": False},
        {"frequency_penalty": 0, "presence_penalty": 0},
        {"modalities": ["text"]},
        {"store": False},
        {"tool_choice": "none"},
    ],
    ids=lambda given: "-".join(given),
)
def test_what_changes_nothing_is_taken(theirs: openai.OpenAI, use_case: str, harmless: Any) -> None:
    answer = theirs.chat.completions.create(model=use_case, messages=HELLO, **harmless)
    assert answer.choices[0].message.content == "one two three"


def test_parts_that_nobody_knows_are_refused(theirs: openai.OpenAI, use_case: str) -> None:
    video: Any = [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "data:,x"}}]}]
    with pytest.raises(openai.UnprocessableEntityError, match="video_url"):
        theirs.chat.completions.create(model=use_case, messages=video)
    tool: Any = [*HELLO, {"role": "tool", "content": "x"}]
    with pytest.raises(openai.UnprocessableEntityError, match="tool_call_id"):
        theirs.chat.completions.create(model=use_case, messages=tool)


def test_a_stream_that_breaks_is_the_clients_own_error(
    theirs: openai.OpenAI, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("half")
        request.reset()

    upstream.model(client, use_case, play)
    stream = theirs.chat.completions.create(model=use_case, messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="closed the connection in the middle"):
        list(stream)
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_a_session_goes_on_by_its_id(theirs: openai.OpenAI, client: Tropism, use_case: str) -> None:
    session = uuid4()
    answer = theirs.chat.completions.create(model=use_case, messages=HELLO, extra_body={"session_id": str(session)})
    assert answer.model_extra is not None
    assert UUID(answer.model_extra["session_id"]) == session
    assert client.interactions.get(answer.id, use_case=use_case).session_id == session
