"""Against a real socket: what a network can do to a call, and what a caller can do to a stream."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tropism import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncTropism,
    NotFoundError,
    Tropism,
    TropismError,
)
from tropism.wire.chat import ChatChunk, ChunkChoice, Delta
from tropism.wire.sse import DONE, event

HELLO = [{"role": "user", "content": "hello"}]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def piece(text: str) -> bytes:
    choice = ChunkChoice(index=0, delta=Delta(content=text), completion_id=UUID(int=1), model="m")
    chunk = ChatChunk(id=UUID(int=1), created=1, model="m", choices=[choice], session_id=UUID(int=2), usage=None)
    return chunked(event(msgspec.json.encode(chunk)))


def chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


END = chunked(event(DONE)) + b"0\r\n\r\n"


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def say_nothing(connection: socket.socket) -> None:
    threading.Event().wait(0)


def endless(connection: socket.socket) -> None:
    """Stream until the caller is gone, as a model would."""
    connection.sendall(HEAD)
    while True:
        connection.sendall(piece("more "))
        threading.Event().wait(0.005)


def start(both: Any) -> Any:
    return both("chat.create", HELLO, stream=True, use_case="u")


def test_a_stream_is_read_to_its_end(both: Any, scripted: Any) -> None:
    scripted.will(HEAD + piece("a") + piece("b") + END)
    assert [chunk.choices[0].delta.content for chunk in both.items(start(both))] == ["a", "b"]


def test_a_finished_stream_leaves_its_connection_for_the_next_call(both: Any, scripted: Any) -> None:
    scripted.will(HEAD + piece("a") + END, HEAD + piece("b") + END)
    both.items(start(both))
    both.items(start(both))
    assert scripted.connections == 1


def test_leaving_a_loop_disconnects(both: Any, scripted: Any) -> None:
    scripted.will(endless)
    stream = start(both)
    assert len(both.items(stream, limit=3)) == 3
    assert scripted.gone.wait(2)


def test_closing_disconnects(both: Any, scripted: Any) -> None:
    scripted.will(endless)
    stream = start(both)
    both.wait(stream.close())
    assert scripted.gone.wait(2)


def test_a_stream_that_nobody_reads_is_disconnected_when_dropped(both: Any, scripted: Any) -> None:
    scripted.will(endless)
    stream = start(both)
    del stream
    both.wait(asyncio.sleep(0.05))  # the loop of an async client has to turn for it
    assert scripted.gone.wait(2)


def test_half_a_stream_is_a_connection_error(both: Any, scripted: Any) -> None:
    scripted.will(HEAD + piece("a") + b"0\r\n\r\n")
    with pytest.raises(APIConnectionError, match="ended before"):
        both.items(start(both))


def test_a_connection_that_breaks_in_mid_stream_is_a_connection_error(both: Any, scripted: Any) -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(HEAD + piece("a") + b"ff\r\ndata: {")
        hang_up(connection)

    scripted.will(cut)
    with pytest.raises(APIConnectionError, match="broke"):
        both.items(start(both))


def test_a_stream_that_falls_silent_times_out(both: Any, scripted: Any) -> None:
    scripted.will(HEAD + piece("a"))
    with pytest.raises(APITimeoutError):
        both.items(start(both))


def test_a_refused_stream_raises_the_typed_error(both: Any, scripted: Any) -> None:
    scripted.json(404, b'{"type": "not_found", "message": "there is no use case \'u\'", "param": "model"}')
    with pytest.raises(NotFoundError, match="no use case 'u'"):
        start(both)


def test_many_refused_and_abandoned_streams_hold_no_connections(both: Any, scripted: Any) -> None:
    for _ in range(20):
        scripted.json(404, b'{"type": "not_found", "message": "no"}')
    for _ in range(20):
        with pytest.raises(NotFoundError):
            start(both)
    assert scripted.connections == 1


def test_no_answer_in_time_is_a_timeout(scripted: Any) -> None:
    scripted.will(say_nothing)
    with Tropism(scripted.url, "k", timeout=0.1) as client, pytest.raises(APITimeoutError, match="in time"):
        client.chat.create(HELLO, use_case="u")
    assert len(scripted.received) == 1


def test_no_server_is_a_connection_error_that_names_the_place(scripted: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Tropism(f"http://127.0.0.1:{port}", "k") as client, pytest.raises(APIConnectionError, match=f":{port}"):
        client.chat.create(HELLO, use_case="u")


def test_a_call_that_may_be_repeated_survives_a_broken_connection(both: Any, scripted: Any) -> None:
    scripted.will(hang_up)
    scripted.json(200, b'{"feedback_keys": []}')
    assert both("feedback.list_keys") == []
    assert len(scripted.received) == 2


def test_generation_is_not_repeated_after_a_broken_connection(both: Any, scripted: Any) -> None:
    scripted.will(hang_up)
    with pytest.raises(APIConnectionError):
        both("chat.create", HELLO, use_case="u")
    assert len(scripted.received) == 1


def test_a_success_that_is_no_answer_is_a_clear_error(both: Any, scripted: Any) -> None:
    scripted.json(200, b"<html>a login page</html>")
    with pytest.raises(TropismError, match="cannot read.*base URL") as caught:
        both("use_cases.list")
    assert not isinstance(caught.value, APIStatusError)


def test_a_web_page_instead_of_a_stream_is_an_error(both: Any, scripted: Any) -> None:
    scripted.json(200, b"<html>a login page</html>")
    with pytest.raises(TropismError, match="cannot read.*base URL"):
        start(both)


def test_a_redirect_is_shown_and_not_followed(both: Any, scripted: Any) -> None:
    scripted.json(307, b"", location="https://elsewhere/")
    with pytest.raises(APIStatusError) as caught:
        both("use_cases.list")
    assert caught.value.status_code == 307


def test_nan_never_reaches_the_server(both: Any, scripted: Any) -> None:
    with pytest.raises(TropismError, match="value is NaN"):
        both("feedback.log_metric", float("nan"), "c", "k")
    assert scripted.received == []


async def test_cancelling_a_task_that_reads_a_stream_disconnects(scripted: Any) -> None:
    async def read() -> None:
        async with AsyncTropism(scripted.url, "k") as client:
            async for _ in await client.chat.create(HELLO, stream=True, use_case="u"):
                pass

    scripted.will(endless)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 0.2)
    assert await asyncio.to_thread(scripted.gone.wait, 2)


async def test_cancelling_a_call_leaves_the_client_usable(scripted: Any) -> None:
    scripted.will(say_nothing)
    scripted.json(200, b'{"use_cases": []}')
    async with AsyncTropism(scripted.url, "k") as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.chat.create(HELLO, use_case="u"), 0.1)
        assert await client.use_cases.list() == []


def test_threads_share_a_client(scripted: Any) -> None:
    for _ in range(40):
        scripted.json(200, b'{"use_cases": []}')
    with Tropism(scripted.url, "k") as client, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: client.use_cases.list(), range(40))) == [[]] * 40
    assert scripted.connections <= 8
