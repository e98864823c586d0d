"""The llama.cpp engine with the real bundled embedding model, compared with the same network in plain numpy."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tropism.engines.bundled import find
from tropism.engines.llama_cpp import LlamaCppEngine
from tropism.engines.protocol import EngineRejected, Message, ModelSource, Prompt

pytestmark = pytest.mark.asyncio(loop_scope="module")

Array = np.ndarray[Any, np.dtype[np.float32]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(minilm: Path) -> AsyncIterator[LlamaCppEngine]:
    # More context than the model has positions for: the engine must not trip over it.
    engine = LlamaCppEngine(ModelSource(key="m", kind="Embedding", path=minilm, slots=2, context=2048))
    await engine.start()
    yield engine
    await engine.close()


def similarity(one: Sequence[float], other: Sequence[float]) -> float:
    return float(np.dot(one, other))


async def test_vectors_have_length_one_and_near_meanings_are_near(engine: LlamaCppEngine) -> None:
    cat, kitten, tax = (
        await engine.embed(["The cat sleeps.", "A kitten is napping.", "Taxes are due in May."])
    ).vectors
    assert math.hypot(*cat) == pytest.approx(1, abs=1e-4)
    assert similarity(cat, kitten) > similarity(cat, tax) + 0.3


async def test_vectors_are_those_of_the_original_weights(engine: LlamaCppEngine) -> None:
    (vector,) = (await engine.embed(["Hello world"])).vectors
    assert similarity(vector, _original(["[CLS]", "hello", "world", "[SEP]"]).tolist()) > 0.999


async def test_many_texts_come_back_in_order_and_counted(engine: LlamaCppEngine) -> None:
    texts = [f"text number {number}" for number in range(70)]
    embeddings = await engine.embed(texts)
    (last,) = (await engine.embed(texts[-1:])).vectors
    assert len(embeddings.vectors) == 70
    assert similarity(embeddings.vectors[-1], last) > 0.999
    assert embeddings.prompt_tokens == 70 * 5


@pytest.mark.parametrize("words", [700, 3000])
async def test_a_text_beyond_the_context_is_refused_by_its_place(engine: LlamaCppEngine, words: int) -> None:
    texts = ["short"] * 40
    texts[35] = "a " * words
    with pytest.raises(EngineRejected, match=rf"text 35 has {words + 2} tokens; the model reads 512 at most"):
        await engine.embed(texts)


async def test_no_text_is_refused(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineRejected, match="no text"):
        await engine.embed([])


async def test_an_empty_text_has_a_vector(engine: LlamaCppEngine) -> None:
    assert len((await engine.embed([""])).vectors[0]) == 384


async def test_an_embedding_model_does_not_chat(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineRejected, match="embedding request"):
        await anext(engine.generate(Prompt(messages=[Message(role="user", content="Hi")])))


def _original(words: list[str]) -> Array:
    """BERT as in its paper, on the packaged weights: slow, plain, and independent of the conversion."""
    source = find("all-minilm-l6-v2")
    weights = _read(source.read_bytes())
    vocabulary = (source.parent / "vocab.txt").read_text("utf-8").split("\n")
    ids = [vocabulary.index(word) for word in words]
    state = weights["embeddings.word_embeddings.weight"][ids]
    state = state + weights["embeddings.position_embeddings.weight"][: len(ids)]
    state = state + weights["embeddings.token_type_embeddings.weight"][0]
    state = _norm(state, weights, "embeddings.LayerNorm")
    for layer in range(6):
        state = _layer(state, weights, f"encoder.layer.{layer}.")
    mean: Array = state.mean(axis=0)
    return mean / np.linalg.norm(mean)


def _read(content: bytes) -> dict[str, Array]:
    start = 8 + int.from_bytes(content[:8], "little")
    header = {name: at for name, at in json.loads(content[8:start]).items() if name != "__metadata__"}
    return {
        name: np.frombuffer(content[start + at["data_offsets"][0] : start + at["data_offsets"][1]], "<f4").reshape(
            at["shape"]
        )
        for name, at in header.items()
        if at["dtype"] == "F32"
    }


def _layer(state: Array, weights: dict[str, Array], name: str) -> Array:
    heads = [_linear(state, weights, f"{name}attention.self.{part}") for part in ("query", "key", "value")]
    query, key, value = (part.reshape(len(state), 12, 32).swapaxes(0, 1) for part in heads)
    scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(32))
    mixed = (scores / scores.sum(axis=-1, keepdims=True) @ value).swapaxes(0, 1).reshape(state.shape)
    mixed = _linear(mixed, weights, f"{name}attention.output.dense")
    state = _norm(state + mixed, weights, f"{name}attention.output.LayerNorm")
    wide = _linear(state, weights, f"{name}intermediate.dense")
    wide = wide * (1 + np.vectorize(math.erf)(wide / math.sqrt(2))) / 2
    return _norm(state + _linear(wide, weights, f"{name}output.dense"), weights, f"{name}output.LayerNorm")


def _linear(state: Array, weights: dict[str, Array], name: str) -> Array:
    return state @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(state: Array, weights: dict[str, Array], name: str) -> Array:
    centred = state - state.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    result: Array = centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return result
