"""The part of OpenAI's wire format that we read: answers, chunks of streams, vectors and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tropism.engines.counts import believed
from tropism.engines.fragments import RawCall
from tropism.engines.protocol import FinishReason, Usage
from tropism.wire.logprobs import TokenLogprob

_MOST_OF_AN_ERROR = 500


class PromptDetails(msgspec.Struct, frozen=True):
    """What kinds of tokens were read."""

    cached_tokens: int | None = None


class CompletionDetails(msgspec.Struct, frozen=True):
    """What kinds of tokens were written."""

    reasoning_tokens: int | None = None


class Counted(msgspec.Struct, frozen=True):
    """`usage`: some servers send it empty or half filled."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Timings(msgspec.Struct, frozen=True):
    """llama.cpp's own count along the way: tokens of the prompt from its cache and read anew, and tokens written."""

    cache_n: int = 0
    prompt_n: int = 0
    predicted_n: int = 0

    def counted(self) -> Counted:
        return Counted(self.cache_n + self.prompt_n, self.predicted_n)


class Text(msgspec.Struct, frozen=True):
    """A message, or what a chunk adds to one."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[RawCall] | None = None


class Logprobs(msgspec.Struct, frozen=True):
    """How likely the tokens of a message, or of a chunk, were."""

    content: list[TokenLogprob] | None = None


class Choice(msgspec.Struct, frozen=True):
    """One of the answers asked for; we ask for one."""

    message: Text = Text()
    delta: Text = Text()
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Answer(msgspec.Struct, frozen=True):
    """A whole answer, or one chunk of a stream: they differ only in where the choice holds the text."""

    choices: list[Choice] | None = None
    usage: Counted | None = None
    timings: Timings | None = None
    error: Any = None


class Vector(msgspec.Struct, frozen=True):
    """One embedding."""

    embedding: list[float]
    index: int | None = None


class Vectors(msgspec.Struct, frozen=True):
    """The answer to an embedding request."""

    data: list[Vector]
    usage: Counted | None = None


# Made once: building a decoder costs more than decoding a small answer.
decode_answer = msgspec.json.Decoder(Answer).decode
decode_vectors = msgspec.json.Decoder(Vectors).decode
_decode_anything = msgspec.json.Decoder().decode
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What is raised for bytes that are no such JSON, or that are nested without end."""


def text_of(text: Text) -> str:
    """The words for the user; a model that refuses says so in a field of its own."""
    return text.content or text.refusal or ""


def usage_of(counted: Counted | None) -> Usage | None:
    """The token counts if they are complete: half a count is no count."""
    if counted is None or counted.prompt_tokens is None or counted.completion_tokens is None:
        return None
    read, written = counted.prompt_tokens_details, counted.completion_tokens_details
    return believed(
        Usage(
            prompt_tokens=counted.prompt_tokens,
            completion_tokens=counted.completion_tokens,
            cached_tokens=read.cached_tokens if read else None,
            reasoning_tokens=written.reasoning_tokens if written else None,
        )
    )


_FINISHES: Mapping[str, FinishReason] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def finish_of(reason: str, has_calls: bool) -> FinishReason:
    """Fold what servers say (`eos`, …) into our words. Some say `stop` after calls of tools, which callers wait for."""
    found = _FINISHES.get(reason, "stop")
    return "tool_calls" if found == "stop" and has_calls else found


def logprobs_of(choice: Choice) -> Sequence[TokenLogprob]:
    """How likely the tokens were, where that was asked for."""
    return (choice.logprobs.content if choice.logprobs else None) or ()


def error_fields(body: bytes) -> Mapping[str, Any]:
    """The error object in a body, whichever of the usual shapes it has; empty when there is none."""
    try:
        decoded = _decode_anything(body)
    except UNREADABLE:
        return {}
    # Google's compatible endpoint wraps its errors in a list.
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]
    if not isinstance(decoded, dict):
        return {}
    error = decoded.get("error", decoded)
    return error if isinstance(error, dict) else {"message": error}


def error_message(body: bytes) -> str:
    """What the provider says is wrong, for a human; empty when it says nothing of use."""
    fields = error_fields(body)
    for name in ("message", "detail", "error_description", "title"):
        if isinstance(fields.get(name), str):
            return shorten(fields[name])
    plain = body.decode(errors="replace").strip()
    # A proxy's HTML page explains nothing to the caller, and JSON of unknown shape little.
    return "" if plain[:1] in ("<", "{", "[") else shorten(plain)


def shorten(text: str) -> str:
    """The text on one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_OF_AN_ERROR else line[: _MOST_OF_AN_ERROR - 1] + "…"


def excerpt(body: bytes) -> str:
    """The beginning of something that could not be read, for a message."""
    return repr(shorten(body[:200].decode(errors="replace"))) if body.strip() else "it is empty"
