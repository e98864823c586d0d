"""Slow and greedy clients on raw sockets: they are told why, or cut off, and others are served meanwhile."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tropism import Tropism
from tropism.testing import RunningServer, run_server

SECONDS = 2
HEAD = b"GET /health HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningServer]:
    """A server with little patience, and few connections."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "TROPISM_CLIENT_SECONDS", str(SECONDS))
        patch.setitem(os.environ, "TROPISM_MAX_CONNECTIONS_PER_ADDRESS", "12")
        with run_server() as running, Tropism(running.base_url, running.api_key) as client:
            client.models.attach("echo", make_default=True, wait=True, use_case="default")
            yield running


def connect(server: RunningServer) -> socket.socket:
    where = urlsplit(server.base_url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((where.hostname, where.port))
    return connection


def heard(connection: socket.socket) -> bytes:
    """All until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def ask(server: RunningServer, body: dict[str, object]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


@pytest.mark.parametrize("begun", [b"", b"\r\n", HEAD, HEAD + b"X-A: b"])
def test_who_says_no_whole_head_is_sent_away(strict: RunningServer, begun: bytes) -> None:
    with connect(strict) as connection:
        connection.sendall(begun)
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in answer


def test_a_head_that_trickles_in_is_sent_away(strict: RunningServer) -> None:
    with connect(strict) as connection:
        began = time.monotonic()
        connection.sendall(HEAD)
        try:
            for _ in range(20):
                connection.sendall(b"X-A: b\r\n")
                time.sleep(SECONDS / 8)
        except ConnectionError:
            pass
        assert time.monotonic() - began < 20 * SECONDS / 8
        httpx2.get(f"{strict.base_url}/health").raise_for_status()


def test_a_connection_that_is_kept_alive_is_not_kept_by_empty_lines(strict: RunningServer) -> None:
    with connect(strict) as connection:
        connection.sendall(HEAD + b"\r\n")
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200")
        while not answer.endswith(b"}"):
            answer += connection.recv(65536)
        connection.sendall(b"\r\n")
        assert heard(connection).startswith(b"HTTP/1.1 408 ")


def test_who_asks_before_it_sends_a_body_is_told_to_go_on(strict: RunningServer) -> None:
    """As curl does with a body of more than a megabyte."""
    head, _, body = ask(strict, {"model": "default", "messages": [{"role": "user", "content": "x"}]}).partition(
        b"\r\n\r\n"
    )
    with connect(strict) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_connection_may_rest_between_requests(strict: RunningServer) -> None:
    with connect(strict) as connection:
        assert served(connection)
        time.sleep(1.5 * SECONDS)
        assert served(connection)


def test_a_body_that_stands_still_is_cut_off(strict: RunningServer) -> None:
    with connect(strict) as connection:
        connection.sendall(ask(strict, {"model": "default", "messages": [{"role": "user", "content": "x" * 50}]})[:-20])
        assert b" 200 " not in heard(connection)


def test_a_body_that_comes_on_is_waited_for(strict: RunningServer) -> None:
    words = "word " * 3000 * SECONDS
    request = ask(strict, {"model": "default", "messages": [{"role": "user", "content": words}]})
    head, body = request[:300], request[300:]
    part = len(body) // 10
    with connect(strict) as connection:
        connection.sendall(head)
        for start in range(0, len(body), part):
            time.sleep(SECONDS * 2 / 10)
            connection.sendall(body[start : start + part])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "more", [b"X-A: " + b"b" * 70_000, b"".join(b"X-%d: b\r\n" % i for i in range(101)), b"X-A: b\r\n" * 9_000]
)
def test_a_head_that_is_too_large_is_refused(strict: RunningServer, more: bytes) -> None:
    with connect(strict) as connection:
        connection.sendall(HEAD + more + b"\r\n\r\n")
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "head_too_large"


def chunked(server: RunningServer, headers: str = "") -> bytes:
    """A whole body, up to where its trailers begin."""
    head = f"POST /api/v1/interactions/query HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b'16\r\n{"use_case":"default"}\r\n0\r\n'


def test_a_trailer_is_no_header(strict: RunningServer) -> None:
    with connect(strict) as connection:
        connection.sendall(chunked(strict) + f"Authorization: Bearer {strict.api_key}\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks at the process's memory")
@pytest.mark.parametrize("part", [b"X: y\r\n" * 50_000, b"X" * 300_000], ids=["many", "long"])
def test_trailers_cost_nothing(strict: RunningServer, part: bytes) -> None:
    """Whoever sends them needs no key."""
    before = memory(strict)
    for key in ("", f"Authorization: Bearer {strict.api_key}\r\n"):
        with connect(strict) as connection:
            connection.sendall(chunked(strict, key))
            try:
                for _ in range(40):
                    connection.sendall(part)
            except ConnectionError:
                pass
            assert memory(strict) - before < 40_000
    httpx2.get(f"{strict.base_url}/health").raise_for_status()


def memory(server: RunningServer) -> int:
    """What the server's process holds, in kB; its data directory's lock says which process that is."""
    status = Path(f"/proc/{(server.data / 'lock').read_text()}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_bytes_that_are_no_request_are_refused_in_our_shape(strict: RunningServer) -> None:
    with connect(strict) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "malformed_request"


def served(connection: socket.socket) -> bool:
    connection.sendall(HEAD + b"\r\n")
    return connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_one_address_has_so_many_connections(strict: RunningServer) -> None:
    with ExitStack() as stack:
        until = time.monotonic() + 10
        while not all(served(stack.enter_context(connect(strict))) for _ in range(12)):
            assert time.monotonic() < until
            stack.pop_all().close()  # connections of the tests before took a moment to go
        answer = heard(stack.enter_context(connect(strict)))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
    time.sleep(0.2)
    httpx2.get(f"{strict.base_url}/health").raise_for_status()


def test_a_reader_who_does_not_read_is_cut_off_and_the_generation_cancelled(strict: RunningServer) -> None:
    words = " ".join(str(i) for i in range(100_000))
    request = ask(strict, {"model": "default", "messages": [{"role": "user", "content": words}], "stream": True})
    with Tropism(strict.base_url, strict.api_key) as client, ExitStack() as stack:
        before = client.interactions.list(use_case="default").total_count
        connection = stack.enter_context(connect(strict))
        connection.sendall(request)
        connection.recv(1024)
        until = time.monotonic() + 60
        while client.interactions.list(use_case="default").total_count == before and time.monotonic() < until:
            time.sleep(0.2)
        found = client.interactions.list(use_case="default", page={"first": 1}).nodes[0]
    assert found.finish_reason == "cancelled"
    assert found.usage is not None
    assert 0 < found.usage.completion_tokens < 100_000
    assert words.startswith(found.completion)
