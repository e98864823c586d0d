"""Reward servers for tests: good ones, and sockets that do worse than no reward server would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tropism.rewards import Request, RewardServer, Score

HELLO = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "hello there"}]


@dataclass
class Wanted:
    """What a prompt comes with."""

    words: int
    strict: bool = False


class Brevity(RewardServer[Wanted]):
    """Rewards answers that have as many words as were asked for."""

    def score(self, request: Request[Wanted]) -> float:
        return -abs(len(request.completion.split()) - request.metadata.words)


class Said(RewardServer):
    """Gives what the answer says: a number, or trouble."""

    async def score(self, request: Request) -> float | Score:
        await asyncio.sleep(0)
        match request.completion.split():
            case ["nan"]:
                return float("nan")
            case ["infinity"]:
                return Score(float("inf"))
            case ["nothing"]:
                return None  # type: ignore[return-value]
            case ["fail"]:
                raise KeyError("no such answer")
            case ["object"]:
                return Score(1, {"what": object()})
            case ["metadata", number]:
                return Score(float(number), {"why": "because", "given": request.metadata})
            case [number] if number.isdecimal():
                return float(number)
            case _:
                return 0.0


@contextmanager
def raw_server(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The URL of a socket that sends these bytes, one after the other and then the last again; what it was sent."""
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    found: dict[str, Any] = {}
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")), 0
            )
            received.append(head + await reader.readexactly(length))
        except asyncio.IncompleteReadError as error:  # TLS, say: no line ends there
            received.append(error.partial)
        said = answers[min(len(received), len(answers)) - 1]
        writer.write(said)
        if said.endswith(b"..."):
            await stop.wait()
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            found["port"] = server.sockets[0].getsockname()[1]
            ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    yield f"http://127.0.0.1:{found['port']}", received
    loop.call_soon_threadsafe(stop.set)
    thread.join()


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer as it goes over the wire."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}"
    return head.encode() + b"Connection: close\r\n\r\n" + body
