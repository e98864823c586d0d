"""A streamed answer as its events, whatever wire they are of. No input or output of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from tropism.engines.protocol import EngineBrokeOff, EngineError, Piece
from tropism.wire.sse import EventDecoder, EventTooLong


class EventStream(ABC):
    """Feed it what arrives, and it yields pieces; then ask it for the end, which fails if the answer is not whole."""

    def __init__(self) -> None:
        self._decoder = EventDecoder()

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield the pieces that these bytes complete."""
        try:
            for data in self._decoder.feed(chunk):
                yield from self._event(data)
        except EventTooLong as error:
            raise EngineError(f"the stream makes no sense: {error}") from error

    def end(self) -> Iterator[Piece]:
        """Yield what is left when the bytes have ended."""
        for data in self._decoder.end():
            yield from self._event(data)
        if not self._is_whole():
            raise EngineBrokeOff("the stream ended in the middle of the answer")

    @abstractmethod
    def _event(self, data: bytes) -> Iterator[Piece]:
        """The pieces that one event makes."""

    @abstractmethod
    def _is_whole(self) -> bool:
        """Whether the answer came to its end."""
