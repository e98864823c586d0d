"""The llama.cpp engine with the real bundled model: what it answers, and how it shares the model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tropism.engines.llama_cpp import Limits, LlamaCppEngine
from tropism.engines.protocol import EngineRejected, EngineUnavailable, Message, ModelSource, Piece, Prompt

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(smollm2: Path) -> AsyncIterator[LlamaCppEngine]:
    source = ModelSource(key="m", kind="Generation", path=smollm2, slots=4, context=512)
    engine = LlamaCppEngine(source)
    await engine.start()
    yield engine
    await engine.close()


def ask(text: str, **choices: Any) -> Prompt:
    return Prompt(messages=[Message(role="user", content=text)], **choices)


async def answer(engine: LlamaCppEngine, prompt: Prompt) -> list[Piece]:
    return [piece async for piece in engine.generate(prompt)]


async def text_of(engine: LlamaCppEngine, prompt: Prompt) -> str:
    return "".join([piece.text async for piece in engine.generate(prompt)])


def whole(pieces: list[Piece]) -> Piece:
    """What the pieces come to: all their text, and what the last of them say."""
    (finish_reason,) = [piece.finish_reason for piece in pieces if piece.finish_reason]
    usage = [piece.usage for piece in pieces if piece.usage][-1]
    return Piece(text="".join(piece.text for piece in pieces), finish_reason=finish_reason, usage=usage)


async def test_who_waits_for_the_whole_answer_loses_nothing_when_it_is_cut_short(engine: LlamaCppEngine) -> None:
    """Each piece tells the tokens so far, streamed or not: an answer that is given up is logged with them."""
    pieces = await answer(engine, ask("Name two colours.", temperature=0.0))
    assert "colours" in whole(pieces).text
    counts = [piece.usage.completion_tokens for piece in pieces if piece.usage]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert {piece.usage.prompt_tokens for piece in pieces if piece.usage} == {34}


async def test_a_streamed_answer_comes_token_by_token_and_is_counted(engine: LlamaCppEngine) -> None:
    pieces = await answer(engine, ask("Count to twenty.", stream=True, max_tokens=6, temperature=0.0))
    assert len([piece for piece in pieces if piece.text]) == 6
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["length"]
    usage = pieces[-1].usage
    assert usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (34, 6)


async def test_eight_streams_at_once_are_each_complete(engine: LlamaCppEngine) -> None:
    prompts = [ask(f"Tell me about the number {number}.", stream=True, max_tokens=12) for number in range(8)]
    for pieces in await asyncio.gather(*(answer(engine, prompt) for prompt in prompts)):
        assert "".join(piece.text for piece in pieces)
        assert [piece.finish_reason for piece in pieces].count(None) == len(pieces) - 1
        assert pieces[-1].usage


async def test_closing_the_generator_frees_the_slot_at_once(engine: LlamaCppEngine) -> None:
    streams = [engine.generate(ask(f"Write a very long story about {name}.", stream=True)) for name in "abcd"]
    await asyncio.gather(*(anext(stream) for stream in streams))
    waiting = asyncio.create_task(text_of(engine, ask("Hi", max_tokens=1)))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    begin = time.monotonic()
    await streams[0].aclose()
    await waiting
    assert time.monotonic() - begin < 2
    for stream in streams[1:]:
        await stream.aclose()


async def test_who_leaves_the_queue_keeps_nobody_waiting(engine: LlamaCppEngine) -> None:
    streams = [engine.generate(ask(f"Write a very long story about {name}.", stream=True)) for name in "abcd"]
    await asyncio.gather(*(anext(stream) for stream in streams))
    left = [asyncio.create_task(text_of(engine, ask("Write a long story."))) for _ in range(20)]
    await asyncio.sleep(0.1)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for stream in streams:
        await stream.aclose()
    await asyncio.wait_for(text_of(engine, ask("Hi", max_tokens=1)), 2)


async def test_a_queue_that_does_not_move_is_left_after_a_while(smollm2: Path) -> None:
    source = ModelSource(key="m", kind="Generation", path=smollm2, slots=1, context=512)
    engine = LlamaCppEngine(source, limits=Limits(queue=0.2))
    await engine.start()
    async with aclosing(engine.generate(ask("Write a very long story.", stream=True))) as stream:
        await anext(stream)
        with pytest.raises(EngineUnavailable, match="too busy"):
            await answer(engine, ask("Hi"))
    await engine.close()


async def test_characters_of_several_tokens_arrive_whole(engine: LlamaCppEngine) -> None:
    prompt = ask("Repeat after me: 🦊🐻🐼🐨🐯🦁🐮🐷", stream=True, max_tokens=40, temperature=0.0)
    pieces = await answer(engine, prompt)
    text = "".join(piece.text for piece in pieces)
    assert "🦊" in text
    assert "\ufffd" not in text


async def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(engine: LlamaCppEngine) -> None:
    prompt = ask("Repeat after me: one two three four", temperature=0.0, max_tokens=30)
    assert "three" in await text_of(engine, prompt)
    stopped = ask("Repeat after me: one two three four", temperature=0.0, max_tokens=30, stop=["zzz", "three"])
    piece = whole(await answer(engine, stopped))
    assert "two" in piece.text
    assert "three" not in piece.text
    assert piece.finish_reason == "stop"


async def test_a_seed_repeats_an_answer(engine: LlamaCppEngine) -> None:
    answers = [
        await text_of(engine, ask("Invent a name for a cat.", seed=seed, temperature=1.5, max_tokens=12))
        for seed in (1, 2, 1, 3)
    ]
    assert answers[0] == answers[2]
    assert len(set(answers)) == 3


async def test_a_prompt_beyond_the_context_is_refused_with_both_numbers(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineRejected, match=r"has 2031 tokens; the model's context holds 512"):
        await answer(engine, ask("word " * 2000))


async def test_without_a_limit_the_answer_ends_where_the_context_does(engine: LlamaCppEngine) -> None:
    piece = whole(await answer(engine, ask("word " * 400 + "Repeat all of these words.", temperature=0.0)))
    assert piece.usage
    total = piece.usage.prompt_tokens + piece.usage.completion_tokens
    assert piece.finish_reason == "stop" or total == 512


async def test_no_message_is_refused(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineRejected, match="no message"):
        await answer(engine, Prompt(messages=[]))


async def test_an_adapter_that_is_not_there_is_refused(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineRejected, match="not started with the adapter 'other.gguf'"):
        await answer(engine, ask("Hi", adapter=Path("other.gguf")))


async def test_a_language_model_makes_no_vectors(engine: LlamaCppEngine) -> None:
    with pytest.raises(EngineRejected, match="chat request"):
        await engine.embed(["Hi"])


async def test_closing_does_not_wait_for_a_long_answer(smollm2: Path) -> None:
    source = ModelSource(key="m", kind="Generation", path=smollm2, slots=1, context=8192)
    engine = LlamaCppEngine(source)
    await engine.start()
    stream = engine.generate(ask("Write a very long story.", stream=True))
    await anext(stream)
    begin = time.monotonic()
    await engine.close()
    assert time.monotonic() - begin < 8
    with pytest.raises(EngineUnavailable):
        await answer(engine, ask("Hi"))
    await stream.aclose()
