"""Turns the bytes of a streamed answer in OpenAI's format into pieces. No input or output of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tropism.engines.events import EventStream
from tropism.engines.fragments import Fragments
from tropism.engines.openai_wire import (
    UNREADABLE,
    Choice,
    Counted,
    decode_answer,
    excerpt,
    finish_of,
    logprobs_of,
    text_of,
    usage_of,
)
from tropism.engines.protocol import EngineError, Piece, Usage
from tropism.wire.sse import DONE


class AnswerStream(EventStream):
    """The usage comes with the end, if at all.

    `refuse` turns an event that reports an error into the exception to raise.
    """

    def __init__(self, refuse: Callable[[bytes], EngineError]) -> None:
        super().__init__()
        self._refuse = refuse
        self._usage: Counted | None = None
        self._calls = Fragments()
        self._finished = False
        self.done = False
        """Nothing more will come, although the connection may still be open."""

    def end(self) -> Iterator[Piece]:
        """Yield what is left when the bytes have ended, the usage above all."""
        yield from super().end()
        usage = usage_of(self._usage)
        if usage or not self._finished:
            finish = None if self._finished else finish_of("stop", bool(self._calls))
            yield Piece(finish_reason=finish, usage=usage)

    def _is_whole(self) -> bool:
        return self._finished or self.done

    def _event(self, data: bytes) -> Iterator[Piece]:
        self.done = self.done or data == DONE
        if self.done:
            return
        try:
            answer = decode_answer(data)
        except UNREADABLE as error:
            raise EngineError(f"the stream is not in OpenAI's format: {excerpt(data)}") from error
        if answer.error is not None:
            raise self._refuse(data)
        # Some servers count along with every chunk; only the last count is the whole.
        so_far = answer.usage or (answer.timings.counted() if answer.timings else None)
        self._usage = so_far or self._usage
        for choice in (answer.choices or ())[:1]:
            yield from self._choice(choice, usage_of(so_far))

    def _choice(self, choice: Choice, usage: Usage | None) -> Iterator[Piece]:
        text, logprobs = text_of(choice.delta), logprobs_of(choice)
        calls = self._calls.take(choice.delta.tool_calls or ())
        finish = finish_of(choice.finish_reason, bool(self._calls)) if choice.finish_reason else None
        self._finished = self._finished or finish is not None
        if text or calls or logprobs or finish:
            yield Piece(text=text, tool_calls=calls, logprobs=logprobs, finish_reason=finish, usage=usage)
