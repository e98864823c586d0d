"""Streams without a network: bytes in, chunks out, however they were split."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest

from tropism.sdk.errors import APIConnectionError, InternalServerError, TropismError, UnprocessableEntityError
from tropism.sdk.stream import Reader, Stream
from tropism.wire.chat import ChatChunk, ChunkChoice, Delta
from tropism.wire.sse import DONE, event

WORDS = ["one ", "zwei – ", "三\n\n", "data: four"]


def chunk(text: str) -> bytes:
    choice = ChunkChoice(index=0, delta=Delta(content=text), completion_id=UUID(int=1), model="m")
    return msgspec.json.encode(
        ChatChunk(id=UUID(int=1), created=1, model="m", choices=[choice], session_id=UUID(int=2), usage=None)
    )


WHOLE = b": hello\n\n" + b"".join(event(chunk(word)) for word in WORDS) + event(DONE)


def read(pieces: list[bytes]) -> list[str]:
    reader = Reader(ChatChunk)
    seen = [found.choices[0].delta.content for piece in pieces for found in reader.feed(piece)]
    reader.finish()
    return seen


class Body:
    """An open answer that remembers whether it was closed."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.closed = pieces, 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_a_stream_may_be_split_at_every_byte(line_break: bytes) -> None:
    whole = WHOLE.replace(b"\n", line_break)
    for at in range(len(whole) + 1):
        assert read([whole[:at], whole[at:]]) == WORDS


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_a_stream_may_come_byte_by_byte(line_break: bytes) -> None:
    whole = WHOLE.replace(b"\n", line_break)
    assert read([bytes([byte]) for byte in whole]) == WORDS


def test_a_stream_that_just_stops_is_an_error_wherever_it_stops() -> None:
    for at in range(len(WHOLE) - 1):
        with pytest.raises(APIConnectionError, match="ended before"):
            read([WHOLE[:at]])


@pytest.mark.parametrize(
    ("problem", "kind", "status"),
    [
        (b'{"type": "engine_failed", "message": "out of memory"}', InternalServerError, 502),
        (b'{"type": "engine_timeout", "message": "out of memory"}', InternalServerError, 504),
        (b'{"type": "invalid_request", "message": "out of memory"}', UnprocessableEntityError, 422),
        (b'{"error": {"type": "internal", "message": "out of memory"}}', InternalServerError, 500),
    ],
)
def test_a_problem_in_mid_stream_is_raised_after_what_came(problem: bytes, kind: type, status: int) -> None:
    body = Body(event(chunk("one")) + event(problem) + event(DONE))
    stream = Stream(body, ChatChunk)
    assert next(stream).choices[0].delta.content == "one"
    with pytest.raises(kind, match="out of memory") as caught:
        next(stream)
    assert getattr(caught.value, "status_code", None) == status
    assert body.closed


def test_an_event_that_is_neither_chunk_nor_problem_is_a_clear_error() -> None:
    with pytest.raises(TropismError, match="cannot read"):
        read([event(b'{"odd": 1}')])


def test_a_finished_stream_gives_its_connection_back_and_stays_finished() -> None:
    body = Body(WHOLE)
    stream = Stream(body, ChatChunk)
    assert len(list(stream)) == len(WORDS)
    assert body.closed
    assert list(stream) == []


def test_leaving_a_loop_closes_even_when_the_stream_lives_on() -> None:
    body = Body(WHOLE)
    stream = Stream(body, ChatChunk)
    for _ in stream:
        break
    assert body.closed
    assert list(stream) == []


def test_next_alone_keeps_the_stream_open() -> None:
    body = Body(WHOLE)
    stream = Stream(body, ChatChunk)
    next(stream)
    assert not body.closed
    next(stream)


def test_a_dropped_stream_is_closed() -> None:
    body = Body(WHOLE)
    stream = Stream(body, ChatChunk)
    del stream
    assert body.closed


def test_a_with_block_closes() -> None:
    body = Body(WHOLE)
    with Stream(body, ChatChunk) as stream:
        next(stream)
    assert body.closed
    with pytest.raises(StopIteration):
        next(stream)
