"""The mock upstream, a process of its own: one answer from memory, whole or streamed, at once or after a wait."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httptools
import msgspec
import uvloop

from benchmarks.overhead.child import running
from benchmarks.overhead.system import ANSWER, CHUNKS, WORDS, System

ROOT = Path(__file__).parents[2]
STREAM = re.compile(rb'"stream":\s*true')
WITH_USAGE = re.compile(rb'"include_usage":\s*true')
WAIT = re.compile(rb"after (\d+) ms")

HEAD = {"id": "chatcmpl-mock0000000000000000000001", "created": 1700000000, "model": "mock"}
USAGE = {"prompt_tokens": 43, "completion_tokens": CHUNKS, "total_tokens": 43 + CHUNKS}


@contextmanager
def mock(home: Path, port: int) -> Iterator[System]:
    """Runs it while the block lasts."""
    command = [sys.executable, "-m", "benchmarks.overhead.upstream", str(port)]
    with running(command, home=home, port=port, ready="/health", settings={"PYTHONPATH": str(ROOT)}) as process:
        yield System(name="mock upstream", logs="nothing", port=port, process=process)


def _whole() -> bytes:
    """A complete chat completion of about 1 kB."""
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = msgspec.json.encode({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE})
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def _stream(*, usage: bool) -> list[bytes]:
    """One piece for the head, one for each word, one for the end. OpenAI sends its usage only to those who ask."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    last = [_event([], usage=USAGE)] if usage else []
    end = b"".join([*last, _framed(b"data: [DONE]\n\n"), b"0\r\n\r\n"])
    return [head, *(_event([_choice(index)]) for index in range(CHUNKS)), end]


def _choice(index: int) -> dict[str, object]:
    role = {"role": "assistant"} if index == 0 else {}
    finish = "stop" if index == CHUNKS - 1 else None
    return {"index": 0, "delta": {**role, "content": WORDS[index]}, "logprobs": None, "finish_reason": finish}


def _event(choices: list[dict[str, object]], **more: object) -> bytes:
    chunk = {**HEAD, "object": "chat.completion.chunk", "choices": choices, **more}
    return _framed(b"data: " + msgspec.json.encode(chunk) + b"\n\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


WHOLE = [_whole()]
STREAMED = _stream(usage=False)
STREAMED_WITH_USAGE = _stream(usage=True)
HEALTHY = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]


class Connection(asyncio.Protocol):
    """One client, which sends its next request when it has its answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        pieces = iter(_answer(body))
        if wait := WAIT.search(body):
            self._loop.call_later(int(wait[1]) / 1000, self._send, pieces)
        else:
            self._send(pieces)

    def _send(self, pieces: Iterator[bytes]) -> None:
        """The loop joins what is written in one of its turns, so each piece gets a turn of its own."""
        piece = next(pieces, None)
        if piece is not None and not self._transport.is_closing():
            self._transport.write(piece)
            self._loop.call_soon(self._send, pieces)


def _answer(body: bytes) -> Iterable[bytes]:
    if not body:
        return HEALTHY
    if not STREAM.search(body):
        return WHOLE
    return STREAMED_WITH_USAGE if WITH_USAGE.search(body) else STREAMED


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
