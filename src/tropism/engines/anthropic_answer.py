"""Answers of Anthropic's Messages API, whole and in events. No input or output of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from tropism.engines.events import EventStream
from tropism.engines.fragments import Fragments
from tropism.engines.keepsakes import Keepsakes
from tropism.engines.openai_wire import UNREADABLE, error_fields, error_message, excerpt
from tropism.engines.protocol import (
    EngineError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
    FinishReason,
    Piece,
    Usage,
)


class OutputDetails(msgspec.Struct, frozen=True):
    """What kinds of tokens were written."""

    thinking_tokens: int | None = None


class Counted(msgspec.Struct, frozen=True):
    """Tokens; those from the cache and those written to it are counted apart from the others that were read."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Block(msgspec.Struct, frozen=True):
    """A part of the answer. Thoughts are kept for the provider, other kinds passed over."""

    type: str
    text: str = ""
    id: str | None = None
    name: str = ""
    input: Any = None
    thinking: str = ""
    signature: str = ""
    data: str = ""
    """Thoughts that nobody may read."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer, or what is known of it at its beginning."""

    content: list[Block] = []
    stop_reason: str | None = None
    usage: Counted | None = None


class Delta(msgspec.Struct, frozen=True):
    """What an event adds."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None


class Event(msgspec.Struct, frozen=True):
    """One event of a stream."""

    type: str
    message: Answer | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Counted | None = None


_decode_answer = msgspec.json.Decoder(Answer).decode
_decode_event = msgspec.json.Decoder(Event).decode
_encode = msgspec.json.Encoder().encode

_FINISHES: Mapping[str, FinishReason] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def whole_answer(body: bytes, kept: Keepsakes) -> Piece:
    """The piece that a whole answer is."""
    try:
        answer = _decode_answer(body)
    except UNREADABLE as error:
        raise EngineError(f"the provider's answer is not in Anthropic's format: {excerpt(body)}") from error
    calls, thoughts = Fragments(), Thoughts(kept)
    for block in answer.content:
        thoughts.begin(block)
    return Piece(
        text="".join(block.text for block in answer.content if block.type == "text"),
        tool_calls=tuple(
            calls.begin(block.name, _encode(block.input or {}).decode(), block.id)
            for block in answer.content
            if block.type == "tool_use"
        ),
        finish_reason=_finish(answer.stop_reason),
        usage=_usage(answer.usage),
    )


class Thoughts:
    """Gathers what the model thought before a call, and keeps it with the call's id."""

    def __init__(self, kept: Keepsakes) -> None:
        self._kept = kept
        self._gathered: list[dict[str, str]] = []

    def begin(self, block: Block) -> None:
        if block.type == "thinking":
            self._gathered.append({"type": block.type, "thinking": block.thinking, "signature": block.signature})
        elif block.type == "redacted_thinking":
            self._gathered.append({"type": block.type, "data": block.data})
        elif block.type == "tool_use":
            self._kept.keep(block.id, self._gathered)
            self._gathered = []

    def more(self, delta: Delta) -> None:
        if self._gathered and delta.type in ("thinking_delta", "signature_delta"):
            thought = self._gathered[-1]
            thought["thinking"] += delta.thinking
            thought["signature"] += delta.signature


class AnswerStream(EventStream):
    """The events of one answer."""

    def __init__(self, kept: Keepsakes) -> None:
        super().__init__()
        self._thoughts = Thoughts(kept)
        self._calls = Fragments()
        self._call: Literal["begun", "going on"] | None = None
        self._counted: dict[str, Any] = {}
        self.done = False

    def _is_whole(self) -> bool:
        return self.done

    def _event(self, data: bytes) -> Iterator[Piece]:
        try:
            event = _decode_event(data)
        except UNREADABLE as error:
            raise EngineError(f"the stream is not in Anthropic's format: {excerpt(data)}") from error
        match event.type:
            case "message_start" if event.message:
                self._count(event.message.usage)
            case "content_block_start" if event.content_block:
                yield from self._begin(event.content_block)
            case "content_block_delta" if event.delta:
                yield from self._delta(event.delta)
            case "content_block_stop" if self._call == "begun":
                # A call without arguments; callers want an object.
                self._call = None
                yield Piece(tool_calls=(self._calls.more("{}"),))
            case "message_delta" if event.delta:
                self._count(event.usage)
                if event.delta.stop_reason:
                    yield Piece(finish_reason=_finish(event.delta.stop_reason), usage=self._usage())
            case "message_stop":
                self.done = True
            case "error":
                raise _reported(data)

    def _begin(self, block: Block) -> Iterator[Piece]:
        self._thoughts.begin(block)
        self._call = None
        if block.text:
            yield Piece(text=block.text)
        if block.type == "tool_use":
            # Some servers send the whole input here, and no deltas.
            arguments = _encode(block.input).decode() if block.input else ""
            self._call = "going on" if arguments else "begun"
            yield Piece(tool_calls=(self._calls.begin(block.name, arguments, block.id),))

    def _delta(self, delta: Delta) -> Iterator[Piece]:
        self._thoughts.more(delta)
        if delta.type == "text_delta" and delta.text:
            yield Piece(text=delta.text)
        if delta.type == "input_json_delta" and delta.partial_json and self._call:
            self._call = "going on"
            yield Piece(tool_calls=(self._calls.more(delta.partial_json),))

    def _count(self, counted: Counted | None) -> None:
        """The counts so far; later ones replace earlier ones, and what a later event leaves out stays."""
        said = msgspec.structs.asdict(counted) if counted else {}
        self._counted |= {name: value for name, value in said.items() if value is not None}

    def _usage(self) -> Usage | None:
        return _usage(Counted(**self._counted))


def _finish(reason: str | None) -> FinishReason:
    return _FINISHES.get(reason or "", "stop")


def _usage(counted: Counted | None) -> Usage | None:
    if counted is None or counted.input_tokens is None or counted.output_tokens is None:
        return None
    cached, kept = counted.cache_read_input_tokens, counted.cache_creation_input_tokens
    details = counted.output_tokens_details
    return Usage(
        prompt_tokens=counted.input_tokens + (cached or 0) + (kept or 0),
        completion_tokens=counted.output_tokens,
        cached_tokens=cached,
        cache_write_tokens=kept,
        reasoning_tokens=details.thinking_tokens if details else None,
    )


_KINDS: Mapping[str, type[EngineError]] = {
    "invalid_request_error": EngineRejected,
    "overloaded_error": EngineUnavailable,
    "rate_limit_error": EngineUnavailable,
    "timeout_error": EngineTimeout,
}


def _reported(body: bytes) -> EngineError:
    """An error that comes after the status was sent."""
    kind = _KINDS.get(str(error_fields(body).get("type")), EngineError)
    return kind(f"the provider reported an error: {error_message(body) or excerpt(body)}")
