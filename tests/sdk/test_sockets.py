"""Against a real socket: what a network can do to a call, and what a caller can do to a stream."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tropism import APIConnectionError, APIStatusError, APITimeoutError, NotFoundError, Tropism, TropismError
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


def start(call: Any) -> Any:
    return call("chat.create", HELLO, stream=True, use_case="u")


def test_a_stream_is_read_to_its_end(call: Any, server: Any) -> None:
    server.will(HEAD + piece("a") + piece("b") + END)
    assert [chunk.choices[0].delta.content for chunk in call.items(start(call))] == ["a", "b"]


def test_a_finished_stream_leaves_its_connection_for_the_next_call(call: Any, server: Any) -> None:
    server.will(HEAD + piece("a") + END, HEAD + piece("b") + END)
    call.items(start(call))
    call.items(start(call))
    assert server.connections == 1


def test_leaving_a_loop_disconnects(call: Any, server: Any) -> None:
    server.will(endless)
    stream = start(call)
    assert len(call.items(stream, limit=3)) == 3
    assert server.gone.wait(2)


def test_closing_disconnects(call: Any, server: Any) -> None:
    server.will(endless)
    stream = start(call)
    call.wait(stream.close())
    assert server.gone.wait(2)


def test_a_stream_that_nobody_reads_is_disconnected_when_dropped(call: Any, server: Any) -> None:
    server.will(endless)
    stream = start(call)
    del stream
    call.wait(asyncio.sleep(0.05))  # the loop of an async client has to turn for it
    assert server.gone.wait(2)


def test_half_a_stream_is_a_connection_error(call: Any, server: Any) -> None:
    server.will(HEAD + piece("a") + b"0\r\n\r\n")
    with pytest.raises(APIConnectionError, match="ended before"):
        call.items(start(call))


def test_a_connection_that_breaks_in_mid_stream_is_a_connection_error(call: Any, server: Any) -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(HEAD + piece("a") + b"ff\r\ndata: {")
        hang_up(connection)

    server.will(cut)
    with pytest.raises(APIConnectionError, match="broke"):
        call.items(start(call))


def test_a_stream_that_falls_silent_times_out(call: Any, server: Any) -> None:
    server.will(HEAD + piece("a"))
    with pytest.raises(APITimeoutError):
        call.items(start(call))


def test_a_refused_stream_raises_the_typed_error(call: Any, server: Any) -> None:
    server.json(404, b'{"type": "not_found", "message": "there is no use case \'u\'", "param": "model"}')
    with pytest.raises(NotFoundError, match="no use case 'u'"):
        start(call)


def test_many_refused_and_abandoned_streams_hold_no_connections(call: Any, server: Any) -> None:
    for _ in range(20):
        server.json(404, b'{"type": "not_found", "message": "no"}')
    for _ in range(20):
        with pytest.raises(NotFoundError):
            start(call)
    assert server.connections == 1


def test_no_answer_in_time_is_a_timeout(server: Any) -> None:
    server.will(say_nothing)
    with Tropism(server.url, "k", timeout=0.1) as client, pytest.raises(APITimeoutError, match="in time"):
        client.chat.create(HELLO, use_case="u")
    assert len(server.received) == 1


def test_no_server_is_a_connection_error_that_names_the_place(server: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Tropism(f"http://127.0.0.1:{port}", "k") as client, pytest.raises(APIConnectionError, match=f":{port}"):
        client.chat.create(HELLO, use_case="u")


def test_a_call_that_may_be_repeated_survives_a_broken_connection(call: Any, server: Any) -> None:
    server.will(hang_up)
    server.json(200, b'{"feedback_keys": []}')
    assert call("feedback.list_keys") == []
    assert len(server.received) == 2


def test_generation_is_not_repeated_after_a_broken_connection(call: Any, server: Any) -> None:
    server.will(hang_up)
    with pytest.raises(APIConnectionError):
        call("chat.create", HELLO, use_case="u")
    assert len(server.received) == 1


def test_a_success_that_is_no_answer_is_a_clear_error(call: Any, server: Any) -> None:
    server.json(200, b"<html>a login page</html>")
    with pytest.raises(TropismError, match="cannot read.*base URL") as caught:
        call("use_cases.list")
    assert not isinstance(caught.value, APIStatusError)


def test_a_web_page_instead_of_a_stream_is_an_error(call: Any, server: Any) -> None:
    server.json(200, b"<html>a login page</html>")
    with pytest.raises(TropismError, match="cannot read.*base URL"):
        start(call)


def test_a_redirect_is_shown_and_not_followed(call: Any, server: Any) -> None:
    server.json(307, b"", location="https://elsewhere/")
    with pytest.raises(APIStatusError) as caught:
        call("use_cases.list")
    assert caught.value.status_code == 307


def test_nan_never_reaches_the_server(call: Any, server: Any) -> None:
    with pytest.raises(TropismError, match="value is NaN"):
        call("feedback.log_metric", float("nan"), "c", "k")
    assert server.received == []
