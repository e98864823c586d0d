"""The echo engine answers with what it was told, and does so in the same way everywhere."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tropism.engines.echo import EchoEngine
from tropism.engines.protocol import EngineRejected, Message, ModelSource, Piece, Prompt, Usage


@pytest.fixture
def engine() -> EchoEngine:
    return EchoEngine(ModelSource(key="echo", kind="Generation"))


async def answer(engine: EchoEngine, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in engine.generate(prompt)]


def said(*texts: str) -> list[Message]:
    return [Message(role="user", content=text) for text in texts]


async def test_a_streamed_answer_comes_word_by_word_and_joins_to_the_last_user_message(engine: EchoEngine) -> None:
    prompt = Prompt(messages=[*said("first", " two  words\n"), Message(role="assistant", content="no")], stream=True)
    pieces = await answer(engine, prompt)
    assert [piece.text for piece in pieces] == [" two", "  words\n", ""]
    assert pieces[-1].finish_reason == "stop"
    assert pieces[-1].usage == Usage(prompt_tokens=4, completion_tokens=2)


async def test_a_whole_answer_is_one_piece(engine: EchoEngine) -> None:
    (piece,) = await answer(engine, Prompt(messages=said("one two")))
    assert piece == Piece(text="one two", finish_reason="stop", usage=Usage(prompt_tokens=2, completion_tokens=2))


async def test_max_tokens_cuts_the_answer_and_says_so(engine: EchoEngine) -> None:
    (piece,) = await answer(engine, Prompt(messages=said("one two three"), max_tokens=2))
    assert (piece.text, piece.finish_reason) == ("one two", "length")


async def test_the_first_stop_string_in_the_text_ends_the_answer(engine: EchoEngine) -> None:
    (piece,) = await answer(engine, Prompt(messages=said("one two three"), stop=["three", " two"]))
    assert (piece.text, piece.finish_reason) == ("one", "stop")


@pytest.mark.parametrize("text", ["", "   "])
async def test_nothing_is_answered_with_nothing(engine: EchoEngine, text: str) -> None:
    (piece,) = await answer(engine, Prompt(messages=said(text)))
    assert piece.usage == Usage(prompt_tokens=0, completion_tokens=0)


async def test_a_prompt_without_user_message_is_refused(engine: EchoEngine) -> None:
    with pytest.raises(EngineRejected, match="last user message"):
        await answer(engine, Prompt(messages=[Message(role="system", content="be kind")]))


async def test_vectors_have_length_one_and_differ_by_text(engine: EchoEngine) -> None:
    embeddings = await engine.embed(["a", "b c"])
    assert [math.hypot(*vector) for vector in embeddings.vectors] == pytest.approx([1, 1])
    assert embeddings.vectors[0] != embeddings.vectors[1]
    assert embeddings.prompt_tokens == 3


async def test_vectors_are_the_same_in_another_process(engine: EchoEngine) -> None:
    program = "from tropism.engines.echo import _unit_vector; print(_unit_vector('a')[:3])"
    # A clean path would hide a vector that depends on hash(), which every process seeds anew.
    output = subprocess.run([sys.executable, "-c", _with_path(program)], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == str(list((await engine.embed(["a"])).vectors[0])[:3])


def _with_path(program: str) -> str:
    return f"import sys; sys.path[:] = {sys.path!r}; {program}"
