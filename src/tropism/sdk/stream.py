"""Streamed answers, piece by piece, on both faces.

A stream holds a connection. It gives it back at its end, on an error, on `close()`, at the end of its `with` block,
when a loop over it is left, and when it is dropped; before the end, that is what tells the server to stop generating.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import msgspec

from tropism.sdk.errors import APIConnectionError, TropismError, event_error, read_problem
from tropism.wire.sse import DONE, EventDecoder, EventTooLong

T = TypeVar("T")


class Body(Protocol):
    """The bytes of an open answer. Reading raises the SDK's errors; closing twice is fine."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class AsyncBody(Protocol):
    """The bytes of an open answer, awaited."""

    closed: bool

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def close(self) -> None: ...


class Reader(Generic[T]):
    """Bytes in, chunks out, however the network split them."""

    def __init__(self, chunk: type[T]) -> None:
        self.ended = False
        self._events = EventDecoder()
        self._decoder = msgspec.json.Decoder(chunk)

    def feed(self, data: bytes) -> Iterator[T]:
        try:
            for event in self._events.feed(data):
                if event == DONE:
                    self.ended = True
                    return
                yield self._chunk(event)
        except EventTooLong as error:
            raise TropismError(f"The stream makes no sense: {error}.") from error

    def finish(self) -> None:
        """There are no more bytes. An answer that just stops may look whole to a person, so it is an error."""
        if not self.ended:
            raise APIConnectionError("The connection ended before the answer did; what came so far is not all of it.")

    def _chunk(self, event: bytes) -> T:
        try:
            return self._decoder.decode(event)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if problem := read_problem(event):
                raise event_error(problem) from None
            raise TropismError(f"The stream holds an event that this SDK cannot read: {error}.") from error


class Stream(Generic[T]):
    """The pieces of an answer as they come; to leave a loop over them stops the generation."""

    def __init__(self, body: Body, chunk: type[T]) -> None:
        self._body = body
        self._chunks = _chunks(body, Reader(chunk))

    def __iter__(self) -> Iterator[T]:
        # A generator of its own, because Python closes it when the loop is left and `self` may live on.
        try:
            yield from self._chunks
        finally:
            self.close()

    def __next__(self) -> T:
        return next(self._chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back; if the answer is not complete, the server stops generating it."""
        self._body.close()
        with suppress(ValueError):  # another thread is waiting in it: it will find the body closed
            self._chunks.close()


class AsyncStream(Generic[T]):
    """The pieces of an answer as they come; to leave a loop over them stops the generation."""

    def __init__(self, body: AsyncBody, chunk: type[T]) -> None:
        import asyncio  # as long to import as the whole SDK, and the sync face never needs it

        self._body = body
        self._loop = asyncio.get_running_loop()
        self._chunks = _awaited_chunks(body, Reader(chunk))

    def __aiter__(self) -> AsyncIterator[T]:
        return self._looped()

    async def __anext__(self) -> T:
        return await self._chunks.__anext__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        # Closing has to be awaited, and nobody is left who could: the loop does it, as with async generators.
        if not self._body.closed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.create_task, self._body.close())

    async def close(self) -> None:
        """Give the connection back; if the answer is not complete, the server stops generating it."""
        await self._body.close()
        with suppress(RuntimeError):  # another task is waiting in it: it will find the body closed
            await self._chunks.aclose()

    async def _looped(self) -> AsyncGenerator[T, None]:
        try:
            async for chunk in self._chunks:
                yield chunk
        finally:
            await self.close()


# These two know no stream: a stream that is dropped is thereby unreachable, and is closed at once.


def _chunks(body: Body, reader: Reader[T]) -> Generator[T, None, None]:
    try:
        pieces = iter(body)
        for data in pieces:
            yield from reader.feed(data)
            if reader.ended:
                break
        reader.finish()
        with suppress(TropismError):  # the answer is whole; its very end lets the connection be used again
            next(pieces, None)
    finally:
        body.close()


async def _awaited_chunks(body: AsyncBody, reader: Reader[T]) -> AsyncGenerator[T, None]:
    try:
        pieces = aiter(body)
        async for data in pieces:
            for chunk in reader.feed(data):
                yield chunk
            if reader.ended:
                break
        reader.finish()
        with suppress(TropismError):  # the answer is whole; its very end lets the connection be used again
            await anext(pieces, None)
    finally:
        await body.close()
