"""The HTTP client of the engines against a real server: what goes out, byte by byte, and when a connection is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from tropism.engines.http_client import HttpClient

from .conftest import Upstream, listening

PATIENT = aiohttp.ClientTimeout(connect=5, sock_read=5)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(aiohttp.TCPConnector(), {"User-Agent": "tropism", "X-Key": "k"})
    yield client
    await client.close()


def says(upstream: Upstream, *parts: bytes) -> None:
    """Have it answer with these bytes, a little apart."""

    async def play(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.05)

    upstream.play = play


async def ask(client: HttpClient, upstream: Upstream, body: bytes = b"{}") -> tuple[int, bytes]:
    with await client.request("POST", URL(upstream.url), body, PATIENT) as response:
        return response.status, await response.read()


async def test_what_is_sent_is_what_was_asked_for() -> None:
    heard = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.readuntil(b"{}"))
        writer.write(OK)

    client = HttpClient(aiohttp.TCPConnector(force_close=True), {"User-Agent": "tropism", "X-Key": "k"})
    async with listening(listen) as server:
        url = URL(f"{server}/v1/ä b?a=1&b=%2F#c")
        with await client.request("POST", url, b"{}", PATIENT, {"traceparent": "00-1"}):
            pass
    await client.close()
    line, *headers = (await heard).decode().removesuffix("\r\n\r\n{}").split("\r\n")
    assert line == "POST /v1/%C3%A4%20b?a=1&b=/ HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: gzip, deflate",
        "Accept: */*",
        "Connection: close",
        "Content-Length: 2",
        f"Host: {url.authority}",
        "User-Agent: tropism",
        "X-Key: k",
        "traceparent: 00-1",
    ]


async def test_a_header_cannot_become_two(client: HttpClient, upstream: Upstream) -> None:
    upstream.answer({})
    with pytest.raises(ValueError, match="line break"):
        await client.request("POST", URL(upstream.url), b"{}", PATIENT, {"traceparent": "00-1\r\nX-Key: other"})
    with pytest.raises(ValueError, match="line break"):
        await HttpClient(aiohttp.TCPConnector(), {"X-Key": "k\nX: y"}).request("GET", URL(upstream.url), b"", PATIENT)
    assert upstream.requests == []


async def test_who_reads_to_the_end_leaves_the_connection_to_the_next(client: HttpClient, upstream: Upstream) -> None:
    upstream.answer({"a": 1})
    assert await ask(client, upstream) == await ask(client, upstream) == (200, b'{"a": 1}')
    assert upstream.connections == 1


async def test_who_leaves_earlier_closes_it(client: HttpClient, upstream: Upstream) -> None:
    says(upstream, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun")
    with await client.request("POST", URL(upstream.url), b"{}", PATIENT) as response:
        assert await response.content.readany() == b"begun"
    upstream.answer({})
    assert await ask(client, upstream) == (200, b"{}")
    assert upstream.connections == 2


async def test_who_is_cancelled_closes_it(client: HttpClient, upstream: Upstream) -> None:
    says(upstream)  # nothing
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await ask(client, upstream)
    upstream.answer({"later": 1})
    assert await ask(client, upstream) == (200, b'{"later": 1}')
    assert upstream.connections == 2


@pytest.mark.parametrize("answer", [OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), OK.replace(b"1.1", b"1.0")])
async def test_what_the_server_will_close_is_not_used_again(
    client: HttpClient, upstream: Upstream, answer: bytes
) -> None:
    says(upstream, answer)
    assert await ask(client, upstream) == await ask(client, upstream) == (200, b"ok")
    assert upstream.connections == 2


async def test_what_the_server_has_closed_is_not_used_again(client: HttpClient, upstream: Upstream) -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    upstream.play = play
    assert await ask(client, upstream) == (200, b"ok")
    await asyncio.sleep(0.1)
    assert await ask(client, upstream) == (200, b"ok")
    assert upstream.connections == 2


async def test_what_nobody_asked_for_is_nobodys_answer(client: HttpClient, upstream: Upstream) -> None:
    says(upstream, OK, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
    assert await ask(client, upstream) == (200, b"ok")
    await asyncio.sleep(0.2)
    assert await ask(client, upstream) == (200, b"ok")
    assert upstream.connections == 2


async def test_a_server_that_always_speaks_first_is_given_up(client: HttpClient) -> None:
    made = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        writer.write(b"220 here is no HTTP\r\n")
        await reader.read()

    async with listening(speak) as server, asyncio.timeout(10):
        with pytest.raises(aiohttp.ClientError):
            await client.request("POST", URL(server), b"{}", PATIENT)
    assert made <= 3


async def test_announcements_are_no_answer(client: HttpClient, upstream: Upstream) -> None:
    says(upstream, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", OK)
    assert await ask(client, upstream) == (200, b"ok")


async def test_a_large_body_arrives_whole(client: HttpClient, upstream: Upstream) -> None:
    upstream.answer({})
    body = b'"%s"' % (b"x" * 5_000_000)
    assert await ask(client, upstream, body) == (200, b"{}")
    assert len(upstream.requests[0].body) == 5_000_000


async def test_a_refusal_is_heard_before_the_body_is_through(client: HttpClient) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(5)

    async with listening(refuse) as server:
        with await client.request("POST", URL(server), b"x" * 50_000_000, PATIENT) as response:
            assert response.status == 413


async def test_who_takes_nothing_is_waited_for_as_long_as_one_who_says_nothing(client: HttpClient) -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with listening(stall) as server:
        with pytest.raises(aiohttp.ServerTimeoutError):
            await client.request("POST", URL(server), b"x" * 50_000_000, aiohttp.ClientTimeout(sock_read=0.3))


async def test_a_connection_that_takes_too_long_is_told_from_an_answer_that_does(upstream: Upstream) -> None:
    says(upstream, OK)
    client, url = HttpClient(aiohttp.TCPConnector(limit=1), {}), URL(upstream.url)
    with await client.request("POST", url, b"{}", PATIENT), pytest.raises(aiohttp.ConnectionTimeoutError):
        await client.request("POST", url, b"{}", aiohttp.ClientTimeout(connect=0.1))
    await client.close()


async def test_what_is_not_http_is_said(client: HttpClient, upstream: Upstream) -> None:
    says(upstream, b"SSH-2.0-OpenSSH\r\n\r\n")
    with pytest.raises(aiohttp.ClientResponseError):
        await ask(client, upstream)
