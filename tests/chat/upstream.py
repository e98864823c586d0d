"""A provider on a real socket, which does what a test tells it, well or badly; it helps with OpenAI's format."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tropism import Tropism

SECONDS = 10.0
"""More than anything here takes, so that a test which waits in vain fails instead of hanging."""


@dataclass
class Request:
    """One request that the provider got, and its connection to answer on."""

    upstream: Upstream
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def model(self) -> str:
        """Which model was asked: Google has it in the path."""
        return str(self.body.get("model") or self.path.rpartition("/")[2].partition(":")[0])

    def send(self, body: object, status: int = 200, content_type: str = "application/json") -> None:
        """Answer with a whole body, as JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n\r\n"
        self.writer.write(head.encode() + data)

    def answer(self, text: str, read: int = 3, written: int = 5) -> None:
        """Answer a chat request with a whole text."""
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self.send({"choices": [choice], "usage": usage})

    def begin(self) -> None:
        """Begin to answer with events."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.writer.write(head)

    async def event(self, data: object) -> None:
        """Send one event: JSON, or the bytes as they are."""
        line = data if isinstance(data, bytes) else json.dumps(data).encode()
        event = b"data: " + line + b"\n\n"
        self.writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await self.writer.drain()

    async def events(self, *events: bytes) -> None:
        """Send events that are written already, one after the other, and the end."""
        self.begin()
        for event in events:
            self.writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await self.writer.drain()
        self.writer.write(b"0\r\n\r\n")

    async def say(self, text: str, **more: Any) -> None:
        """Send one piece of the answer."""
        await self.event({"choices": [{"index": 0, "delta": {"content": text}}], **more})

    async def end(self, read: int = 3, written: int = 5) -> None:
        """Send the finish reason, the usage, and the end of the events."""
        await self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await self.event({"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": written}})
        await self.event(b"[DONE]")
        self.writer.write(b"0\r\n\r\n")

    async def until_gone(self) -> None:
        """Wait for the other side to close the connection."""
        await self.reader.read()
        self.upstream.gone.set()
        self.writer.close()

    async def until_told(self) -> None:
        """Wait until the test calls `go_on`."""
        await asyncio.get_running_loop().run_in_executor(None, self.upstream.told.wait, SECONDS)
        self.upstream.told.clear()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def reset(self) -> None:
        """Break the connection at once, as a crash would."""
        handle = self.writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Play = Callable[[Request], Awaitable[None]]


@dataclass
class Upstream:
    """Where the provider is, what it was asked, and how it answers each model."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    plays: dict[str, Play] = field(default_factory=dict)
    connections: int = 0
    gone: threading.Event = field(default_factory=threading.Event)
    told: threading.Event = field(default_factory=threading.Event)

    def go_on(self) -> None:
        """Let a play go on that waits with `until_told`."""
        self.told.set()

    def model(self, client: Tropism, use_case: str, play: Play, **more: Any) -> str:
        """Register a model that is answered by `play`, attach it as the use case's default, and return its key."""
        key = f"far-{uuid4().hex[:12]}"
        self.plays[key] = play
        self.gone.clear()
        self.told.clear()
        given = {"provider": "custom", "api_key": "sk-provider-key-in-tests", "endpoint": self.url, **more}
        client.models.add_external(key, key, **given)
        client.models.attach(key, make_default=True, wait=True, use_case=use_case)
        return key

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                request = await self._read(reader, writer)
                self.requests.append(request)
                await self.plays[request.model](request)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        return Request(self, first.split()[1], headers, body, reader, writer)


@contextmanager
def run_upstream() -> Iterator[Upstream]:
    """A provider in a thread of its own."""
    upstream, loop = Upstream(), asyncio.new_event_loop()

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        return server

    async def stop(server: asyncio.Server) -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result(SECONDS)
    try:
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def eventually(condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What `condition` returns once that is true; what happens after an answer has no other sign of its end."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)
    return found
