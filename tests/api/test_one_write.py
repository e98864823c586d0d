"""The head of an answer goes out with what follows it at once, and does not wait for what comes later."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvloop
from tests.api.test_connections import connect

from tropism.server.web.one_write import OneWrite
from tropism.testing import RunningServer

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
async def ends() -> AsyncIterator[tuple[OneWrite, socket.socket]]:
    """What an answer is written to, and where it arrives."""
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    there.setblocking(False)
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=here)
    with there:
        yield OneWrite(transport, loop), there
        transport.close()
        await asyncio.sleep(0)


async def heard(there: socket.socket) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(there, 65536)


async def test_a_body_that_follows_at_once_goes_along(ends: tuple[OneWrite, socket.socket]) -> None:
    answer, there = ends
    answer.write(HEAD)
    with pytest.raises(BlockingIOError):
        there.recv(1)
    answer.write(b"one")
    assert await heard(there) == HEAD + b"one"
    answer.write(b"two")
    assert await heard(there) == b"two"


async def test_a_head_alone_does_not_wait_for_a_body(ends: tuple[OneWrite, socket.socket]) -> None:
    answer, there = ends
    answer.write(HEAD)
    assert await heard(there) == HEAD
    answer.write(b"later")
    assert await heard(there) == b"later"


async def test_what_is_closed_has_sent_its_head(ends: tuple[OneWrite, socket.socket]) -> None:
    answer, there = ends
    answer.write(HEAD)
    answer.close()
    assert await heard(there) == HEAD
    assert await heard(there) == b""


def test_a_head_for_nobody_is_dropped() -> None:
    async def write_to_nobody() -> list[str]:
        troubles: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: troubles.append(str(told)))
        here, there = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=here)
        transport.abort()
        OneWrite(transport, loop).write(HEAD)
        await asyncio.sleep(0.05)
        there.close()
        return troubles

    assert uvloop.run(write_to_nobody()) == []  # as the server does


def test_an_answer_of_the_server_arrives_in_one_piece(server: RunningServer) -> None:
    with connect(server) as connection:
        for _ in range(100):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = connection.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert f"content-length: {len(body)}".encode() in head.lower()
            assert body
