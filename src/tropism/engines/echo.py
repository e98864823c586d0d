"""The echo engine: answers with what it was told. A deterministic double for tests, yours included."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineRejected,
    FinishReason,
    ModelSource,
    OnState,
    Piece,
    Prompt,
    Usage,
    ignore_state,
)

DIMENSIONS = 64
_WORD_END = re.compile(r"(?<=\S)(?=\s)")


class EchoEngine(Engine):
    """Repeats the last user message, word by word when streamed. A word is a token.

    It is not told what to say: an answer asked for in JSON has the shape of the message.
    """

    def __init__(self, source: ModelSource, *, on_state: OnState = ignore_state) -> None:
        self.source = source

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to free."""

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        words, finish = _answer(prompt)
        usage = _usage(prompt, words)
        if not prompt.stream:
            yield Piece(text="".join(words), finish_reason=finish, usage=usage)
            return
        for count, word in enumerate(words, 1):
            # A real engine lets other requests run between two tokens; tests of concurrency count on it.
            await asyncio.sleep(0)
            yield Piece(text=word, usage=replace(usage, completion_tokens=count))
        yield Piece(finish_reason=finish, usage=usage)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        return Embeddings(
            vectors=[_unit_vector(text) for text in texts],
            prompt_tokens=sum(len(text.split()) for text in texts),
        )


def _answer(prompt: Prompt) -> tuple[list[str], FinishReason]:
    words = _words(_before_stop(_last_user_message(prompt), prompt.stop))
    if prompt.max_tokens is not None and len(words) > prompt.max_tokens:
        return words[: prompt.max_tokens], "length"
    return words, "stop"


def _words(text: str) -> list[str]:
    """Cut the text so that each part is a word with the white space before it, and the joined parts are the text."""
    *words, last = _WORD_END.split(text)
    if last.strip():
        return [*words, last]
    return [*words[:-1], words[-1] + last] if words else []


def _last_user_message(prompt: Prompt) -> str:
    for message in reversed(prompt.messages):
        if message.role == "user":
            return message.content
    raise EngineRejected("the echo engine repeats the last user message, and there is none")


def _before_stop(text: str, stop: Sequence[str]) -> str:
    found = [position for position in (text.find(word) for word in stop if word) if position >= 0]
    return text[: min(found)] if found else text


def _usage(prompt: Prompt, words: Sequence[str]) -> Usage:
    read = sum(len(message.content.split()) for message in prompt.messages)
    return Usage(prompt_tokens=read, completion_tokens=len(words))


def _unit_vector(text: str) -> list[float]:
    """Spread a hash over the sphere: the same text has the same vector in every process, unlike with `hash()`."""
    digest = hashlib.shake_256(text.encode()).digest(4 * DIMENSIONS)
    numbers = [int.from_bytes(digest[i : i + 4]) / 2**31 - 1 for i in range(0, len(digest), 4)]
    length = math.hypot(*numbers)
    return [number / length for number in numbers]
