"""A server on a real socket that says what a test tells it to, byte for byte, and clients of both faces."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

import pytest

from tropism import AsyncTropism, Tropism

Reply = Callable[[socket.socket], None]


@dataclass
class Received:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Takes the next reply for every request; connections stay open as long as replies leave them open."""

    listener: socket.socket
    replies: list[Reply] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def will(self, *replies: Reply | bytes) -> None:
        for reply in replies:
            self.replies.append(partial(_say, reply) if isinstance(reply, bytes) else reply)

    def json(self, status: int, body: bytes, **headers: str) -> None:
        self.will(http(status, body, **headers))

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                while request := _read(lines):
                    self.received.append(request)
                    self.replies.pop(0)(connection)
            except OSError:
                self.gone.set()
            else:
                self.gone.set()


def _say(data: bytes, connection: socket.socket) -> None:
    connection.sendall(data)


def http(status: int, body: bytes, **headers: str) -> bytes:
    fields = {"content-type": "application/json", "content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Some\r\n{head}\r\n".encode() + body


def _read(lines: Any) -> Received | None:
    first = lines.readline().decode().split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while (line := lines.readline().decode().strip()) != "":
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    return Received(first[0], first[1], headers, lines.read(int(headers.get("content-length", 0))))


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    scripted = ScriptedServer(listener)
    thread = threading.Thread(target=scripted.serve, daemon=True)
    thread.start()
    yield scripted
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


class BothFaces:
    """Calls either client the same way, so that one test covers both."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self.client, self._runner = client, runner

    def __call__(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        return self.wait(attrgetter(operation)(self.client)(*args, **kwargs))

    def wait(self, result: Any) -> Any:
        return self._runner.run(result) if inspect.iscoroutine(result) else result

    def items(self, stream: Any, limit: int = 1_000_000) -> list[Any]:
        """What a loop over it sees, left by `break` after `limit` items."""

        async def collect() -> list[Any]:
            seen: list[Any] = []
            async for item in stream:
                seen.append(item)
                if len(seen) == limit:
                    break
            await asyncio.sleep(0.01)  # what a real program does next, so that the loop can tidy up
            return seen

        if hasattr(stream, "__aiter__"):
            return self._runner.run(collect())
        seen: list[Any] = []
        for item in stream:
            seen.append(item)
            if len(seen) == limit:
                break
        return seen


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest, scripted: ScriptedServer) -> Iterator[BothFaces]:
    with asyncio.Runner() as runner:
        if request.param == "sync":
            with Tropism(scripted.url, "a-key", timeout=2) as client:
                yield BothFaces(client, runner)
        else:
            aclient = AsyncTropism(scripted.url, "a-key", timeout=2)
            yield BothFaces(aclient, runner)
            runner.run(aclient.close())


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TROPISM_BASE_URL", "TROPISM_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
