"""The echo engine: answers with what it was told. A deterministic double for tests, yours included."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncGenerator, Sequence

from msgspec import structs

from tropism.engines.fragments import Fragments
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
from tropism.wire.logprobs import TokenLogprob, TopLogprob
from tropism.wire.tools import NamedTool, ToolCallDelta

DIMENSIONS = 64
_CALL = re.compile(r"^call (\S+) (.*)$", re.MULTILINE)
_WORD_END = re.compile(r"(?<=\S)(?=\s)")


class EchoEngine(Engine):
    """Repeats the last user message, or what a tool said after it, word by word when streamed. A word is a token.

    It is not told what to say: an answer asked for in JSON has the shape of the message. Where tools are offered, the
    lines of the message that read `call NAME ARGUMENTS` are calls of those with that name. Where a call is required and
    there is no such line, the tool that is named, or else the first one, is called with the message as `text`.
    """

    def __init__(self, source: ModelSource, *, on_state: OnState = ignore_state) -> None:
        self.source = source

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to free."""

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        pieces, finish = _answer(prompt)
        usage = _usage(prompt, len(pieces))
        if not prompt.stream:
            yield Piece(
                text="".join(piece.text for piece in pieces),
                tool_calls=tuple(fragment for piece in pieces for fragment in piece.tool_calls),
                logprobs=tuple(token for piece in pieces for token in piece.logprobs),
                finish_reason=finish,
                usage=usage,
            )
            return
        for count, piece in enumerate(pieces, 1):
            # A real engine lets other requests run between two tokens; tests of concurrency count on it.
            await asyncio.sleep(0)
            yield structs.replace(piece, usage=structs.replace(usage, completion_tokens=count))
        yield Piece(finish_reason=finish, usage=usage)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        return Embeddings(
            vectors=[_unit_vector(text) for text in texts],
            prompt_tokens=sum(len(text.split()) for text in texts),
        )


def _answer(prompt: Prompt) -> tuple[list[Piece], FinishReason]:
    """One piece per word, and how it ends."""
    pieces = _called(prompt)
    finish: FinishReason = "tool_calls" if pieces else "stop"
    if not pieces:
        words = _words(_before_stop(_last_said(prompt), prompt.stop))
        pieces = [Piece(text=word, logprobs=_logprobs(prompt, word)) for word in words]
    if prompt.max_tokens is not None and len(pieces) > prompt.max_tokens:
        return pieces[: prompt.max_tokens], "length"
    return pieces, finish


def _called(prompt: Prompt) -> list[Piece]:
    """The calls that the last user message asks for, in fragments."""
    offered = [tool.function.name for tool in prompt.tools]
    if not offered or prompt.tool_choice == "none" or prompt.messages[-1].role != "user":
        return []
    text, fragments = _last_said(prompt), Fragments()
    calls = [(name, arguments) for name, arguments in _CALL.findall(text) if name in offered]
    if not calls and prompt.tool_choice not in (None, "auto"):
        calls = [(offered[0], json.dumps({"text": text}))]
    if isinstance(prompt.tool_choice, NamedTool):
        calls = [(prompt.tool_choice.function.name, arguments) for _, arguments in calls[:1]]
    if prompt.parallel_tool_calls is False:
        calls = calls[:1]
    return [Piece(tool_calls=[each]) for name, text in calls for each in _fragments(fragments, name, text)]


def _fragments(fragments: Fragments, name: str, arguments: str) -> list[ToolCallDelta]:
    return [fragments.begin(name), *(fragments.more(word) for word in _words(arguments))]


def _logprobs(prompt: Prompt, word: str) -> Sequence[TokenLogprob]:
    """It is quite sure of itself."""
    if not prompt.logprobs:
        return ()
    top = [TopLogprob(token=word, logprob=0.0, bytes=list(word.encode()))] if prompt.top_logprobs else []
    return [TokenLogprob(token=word, logprob=0.0, bytes=list(word.encode()), top_logprobs=top)]


def _words(text: str) -> list[str]:
    """Cut the text so that each part is a word with the white space before it, and the joined parts are the text."""
    *words, last = _WORD_END.split(text)
    if last.strip():
        return [*words, last]
    return [*words[:-1], words[-1] + last] if words else []


def _last_said(prompt: Prompt) -> str:
    for message in reversed(prompt.messages):
        if message.role in ("user", "tool"):
            return message.text
    raise EngineRejected("the echo engine repeats the last user message, and there is none")


def _before_stop(text: str, stop: Sequence[str]) -> str:
    found = [position for position in (text.find(word) for word in stop if word) if position >= 0]
    return text[: min(found)] if found else text


def _usage(prompt: Prompt, written: int) -> Usage:
    read = sum(len(message.text.split()) for message in prompt.messages)
    return Usage(prompt_tokens=read, completion_tokens=written)


def _unit_vector(text: str) -> list[float]:
    """Spread a hash over the sphere: the same text has the same vector in every process, unlike with `hash()`."""
    digest = hashlib.shake_256(text.encode()).digest(4 * DIMENSIONS)
    numbers = [int.from_bytes(digest[i : i + 4]) / 2**31 - 1 for i in range(0, len(digest), 4)]
    length = math.hypot(*numbers)
    return [number / length for number in numbers]
