"""Embeddings through the SDK, on both faces."""

from __future__ import annotations

import base64
import struct
from uuid import uuid4

import pytest
from tests.chat.upstream import Request, Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism


async def embed(request: Request) -> None:
    """A vector that tells the text's length and its place; sent in reverse order, as a provider may."""
    data = [{"index": i, "embedding": [len(text), i, 0.5]} for i, text in enumerate(request.body["input"])]
    request.send({"data": data[::-1], "usage": {"prompt_tokens": 7, "total_tokens": 7}})


@pytest.fixture
def embedder(client: Tropism, use_case: str, upstream: Upstream) -> str:
    """An embedding model, the default of the use case."""
    return upstream.model(client, use_case, embed, kind="Embedding")


def test_texts_become_vectors_in_their_order(call: Both, use_case: str, embedder: str) -> None:
    answer = call("embeddings.create", ["a", "bcd"], use_case=use_case)
    assert [(each.index, each.embedding) for each in answer.data] == [(0, [1, 0, 0.5]), (1, [3, 1, 0.5])]
    assert (answer.model, answer.usage.prompt_tokens, answer.usage.total_tokens) == (embedder, 7, 7)
    assert call("embeddings.create", "abcd", model=embedder, use_case=use_case).data[0].embedding == [4, 0, 0.5]


def test_base64_holds_the_same_numbers(call: Both, use_case: str, embedder: str) -> None:
    (each,) = call("embeddings.create", "abc", encoding_format="Base64", use_case=use_case).data
    assert struct.unpack("<3f", base64.b64decode(each.embedding)) == (3, 0, 0.5)


def test_an_embedding_is_logged(call: Both, use_case: str, embedder: str) -> None:
    user = uuid4()
    call("embeddings.create", ["a", "b"], user=user, use_case=use_case)
    (found,) = call("interactions.list", use_case=use_case).nodes
    assert [(m.role, m.content) for m in found.messages] == [("user", "a"), ("user", "b")]
    assert (found.model, found.user, found.completion) == (embedder, user, "")
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (7, 0)


def test_a_chat_model_makes_no_embeddings(call: Both, use_case: str) -> None:
    for named in ({}, {"model": "echo-b"}):
        with pytest.raises(tropism.UnprocessableEntityError, match="generates text: it makes no embeddings") as caught:
            call("embeddings.create", "x", use_case=use_case, **named)
        assert caught.value.param == "model"
    assert call("interactions.list", use_case=use_case).total_count == 0


@pytest.mark.parametrize("stream", [False, True])
def test_an_embedding_model_cannot_chat(call: Both, use_case: str, embedder: str, stream: bool) -> None:
    for operation, text in (("chat.create", [{"role": "user", "content": "x"}]), ("completions.create", "x")):
        with pytest.raises(tropism.UnprocessableEntityError, match="is an embedding model: it cannot chat"):
            call(operation, text, stream=stream, use_case=use_case)
    assert call("interactions.list", use_case=use_case).total_count == 0


@pytest.mark.parametrize(
    "given", [{"input": []}, {"input": ""}, {"input": ["a", ""]}, {"input": "a", "encoding_format": "float"}]
)
def test_what_cannot_be_embedded_is_refused(call: Both, use_case: str, embedder: str, given: dict[str, object]) -> None:
    with pytest.raises(tropism.UnprocessableEntityError):
        call("embeddings.create", **given, use_case=use_case)
    assert call("interactions.list", use_case=use_case).total_count == 0


def test_too_few_vectors_are_no_answer(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        request.send({"data": [{"index": 0, "embedding": [1.0]}]})

    upstream.model(client, use_case, play, kind="Embedding")
    with pytest.raises(tropism.InternalServerError, match="did not send one vector for each of 2 texts"):
        call("embeddings.create", ["a", "b"], use_case=use_case)
    assert call("interactions.list", use_case=use_case).total_count == 0


def test_a_model_that_is_taken_offline_here_does_not_embed(call: Both, use_case: str, embedder: str) -> None:
    call("models.update", embedder, desired_online=False, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="taken offline for this use case") as caught:
        call("embeddings.create", "x", use_case=use_case)
    assert caught.value.status_code == 503
