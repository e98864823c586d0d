"""Ways around the guard, tried on real sockets: whatever the URL looks like, nothing reaches the inside."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from yarl import URL

from tropism.egress.guard import checked_url, connector, refusal
from tropism.egress.policy import LAPTOP, Egress, EgressRefused, allowing

PUBLIC = allowing(["public"])
SECONDS = aiohttp.ClientTimeout(total=10)

TO_THIS_MACHINE = [
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://0x7F.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://127.0.0.01:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::]:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0000:0000:0000:0000:0000:ffff:7f00:0001]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://a.localhost:{port}/",
    "http://１２７.０.０.１:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://example.org@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.org/",
    "http://127.0.0.1:{port}\\@example.org/",
    "http://%31%32%37.0.0.1:{port}/",
]
ELSEWHERE_INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1%25lo]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://10.0.0.1/",
    "https://192.168.1.1/",
    "http://[fc00::1]/",
    "http://[ff02::1]/",
]
NO_URL_OF_THE_WEB = [
    *("file:///etc/passwd", "ftp://example.org/", "gopher://127.0.0.1:6379/_FLUSHALL", "http+unix://%2Ftmp%2Fx/"),
    *("javascript:alert(1)", "//127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1/", "http:/\\127.0.0.1/", "127.0.0.1"),
    *("http://", "http://[::1", "http://example.org:99999/", "http://example.org:0/", "http://example.org:22x/"),
    *("http://exa mple.org/", "http://example.org\n/", "http://example.org/\x00", "http://example.org\t@x/", ""),
    *("http://a..b/", "http://.example.org/", "http://localhost%00.example.org/", "http://[v1.fe80::1]/"),
    *(f"http://{'a' * 64}.org/", f"http://{'a.' * 130}org/"),
    *("http://a:b@example.org/", "http://:@example.org:80/", "http://example.org/" + "x" * 2000),
]


@pytest.fixture
async def inside() -> AsyncIterator[tuple[int, list[str]]]:
    """A server on loopback at its port, and who connected to it."""
    reached: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer.get_extra_info("sockname")[0])
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], reached


async def fetch(url: URL, egress: Egress, **options: Any) -> str:
    opened = connector(url, egress, **options)
    async with (
        aiohttp.ClientSession(connector=opened, timeout=SECONDS) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        return await response.text()


@pytest.mark.parametrize("form", TO_THIS_MACHINE)
async def test_no_form_of_loopback_is_taken(inside: tuple[int, list[str]], form: str) -> None:
    port, reached = inside
    url = form.format(port=port)
    with pytest.raises((EgressRefused, ValueError)):
        await fetch(checked_url(url, PUBLIC), PUBLIC)
    assert reached == []


@pytest.mark.parametrize("form", [form for form in TO_THIS_MACHINE if "\\" not in form])
async def test_no_form_of_loopback_is_connected_to(inside: tuple[int, list[str]], form: str) -> None:
    port, reached = inside
    with pytest.raises((aiohttp.ClientError, OSError, ValueError)):
        await fetch(URL(form.format(port=port)), PUBLIC)
    assert reached == []


@pytest.mark.parametrize("url", ELSEWHERE_INSIDE)
def test_nothing_else_inside_is_taken(url: str) -> None:
    for egress in (PUBLIC, LAPTOP):
        with pytest.raises((EgressRefused, ValueError)):
            checked_url(url, egress)


@pytest.mark.parametrize("url", ELSEWHERE_INSIDE)
async def test_nothing_else_inside_is_connected_to(url: str) -> None:
    with pytest.raises(aiohttp.ClientError) as caught:
        await fetch(URL(url), LAPTOP)
    assert refusal(caught.value) or isinstance(caught.value, aiohttp.InvalidURL)


@pytest.mark.parametrize("url", NO_URL_OF_THE_WEB)
def test_what_is_no_url_of_the_web_is_not_taken(url: str) -> None:
    with pytest.raises(ValueError):
        checked_url(url, allowing(["all"]))


@pytest.mark.parametrize(
    "url", ["https://example.org", "http://example.org:8000/v1?a=b", "http://[2606:4700::1111]:8900/x", "http://a_b/"]
)
def test_public_urls_are_taken(url: str) -> None:
    assert checked_url(url, PUBLIC) == URL(url)


async def test_loopback_is_reached_where_it_is_allowed(inside: tuple[int, list[str]]) -> None:
    port, reached = inside
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        url = checked_url(f"http://{host}:{port}/", LAPTOP)
        assert await fetch(url, LAPTOP) == "secret"
    assert len(reached) == 3


class Rebinding(AbstractResolver):
    """A name server that changes its mind with every question."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[Any]:
        [answer] = self.answers[:1]
        del self.answers[:1]
        found = {"hostname": host, "host": answer, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [found]

    async def close(self) -> None:
        pass


async def test_a_name_that_moves_inside_is_not_followed(inside: tuple[int, list[str]]) -> None:
    port, reached = inside
    resolver, only = Rebinding("127.0.0.2", "127.0.0.1"), allowing(["127.0.0.2"])
    url = checked_url(f"http://rebinding.example.org:{port}/", only)
    async with await asyncio.start_server(_hello, "127.0.0.2", port):
        opened = connector(url, only, resolver=resolver, use_dns_cache=False, force_close=True)
        async with aiohttp.ClientSession(connector=opened, timeout=SECONDS) as session:
            async with session.get(url) as response:
                assert await response.text() == "hello"
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get(url)
    assert "'rebinding.example.org' leads to a loopback address" in (refusal(caught.value) or "")
    assert (resolver.answers, reached) == ([], [])


async def test_a_name_that_the_operator_trusts_may_be_inside(inside: tuple[int, list[str]]) -> None:
    port, _ = inside
    url, trusting = URL(f"http://vllm.internal:{port}/"), allowing(["vllm.internal"])
    assert await fetch(url, trusting, resolver=Rebinding("127.0.0.1")) == "secret"
    there = URL(f"http://bücher.example:{port}/")
    assert await fetch(there, allowing(["BÜCHER.example"]), resolver=Rebinding("127.0.0.1")) == "secret"
    with pytest.raises(aiohttp.ClientConnectorError):
        await fetch(URL(f"http://other.internal:{port}/"), trusting, resolver=Rebinding("127.0.0.1"))


async def test_a_trusted_name_does_not_lead_to_credentials() -> None:
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await fetch(URL("http://vllm.internal/"), allowing(["vllm.internal"]), resolver=Rebinding("169.254.169.254"))
    assert "credentials" in (refusal(caught.value) or "")


async def _hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    await writer.drain()
    writer.close()
