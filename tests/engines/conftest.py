"""A real HTTP server that plays the upstream of an engine, well or badly, byte by byte as the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tropism.engines.bundled import prepare

Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """What the engine sent."""

    line: str
    headers: dict[str, str]
    body: Any


@dataclass
class Upstream:
    """Answers every request with `play`, and remembers the requests."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    play: Play | None = None

    def answer(self, body: object, status: str = "200 OK", content_type: str = "application/json") -> None:
        """Answer with a whole body, as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n".encode()

        async def play(writer: asyncio.StreamWriter) -> None:
            writer.write(head + data)

        self.play = play

    def stream(self, *chunks: bytes, seconds: float = 0.0, end: bool = True) -> None:
        """Answer with an event stream, one chunk at a time; without `end` the connection just breaks."""

        async def play(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for chunk in chunks:
                writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                await writer.drain()
                await asyncio.sleep(seconds)
            if end:
                writer.write(b"0\r\n\r\n")
            else:
                writer.close()

        self.play = play

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await _read(reader):
                self.requests.append(request)
                assert self.play
                await self.play(writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line, headers, json.loads(body or b"null"))


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The URL of a server that does this with each connection."""
    tasks: set[asyncio.Future[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await serve(reader, writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(one(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.wait_closed()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    it = Upstream()
    async with listening(it.serve) as url:
        it.url = f"{url}/v1"
        yield it


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled language model, prepared once for all tests."""
    return prepare("smollm2-135m-instruct", tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled embedding model, prepared once for all tests."""
    return prepare("all-minilm-l6-v2", tmp_path_factory.mktemp("models"))
