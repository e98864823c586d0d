"""A system under test, and the requests that all of them get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from benchmarks.overhead import web
from benchmarks.overhead.failure import BenchmarkError

Logs = Literal["nothing", "each, after the answer", "each, before the answer"]
CHAT_PATH = "/v1/chat/completions"
CHUNKS = 100
WORDS = [f"word{number}" if number == 0 else f" word{number}" for number in range(CHUNKS)]
ANSWER = "".join(WORDS)

ROLE = "You are the assistant of a small online shop. Answer briefly and politely."
QUESTION = "My parcel was due on Monday and has still not come. What can I do about it?"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a request wants of the mock: to stream, or to take its time. It is told by what every system passes on."""

    stream: bool = False
    wait_ms: int = 0


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Something that answers chat completions on a port of this machine."""

    name: str
    logs: Logs
    port: int
    process: int
    """The leader of the session that all its processes are in."""
    model: str = "mock"
    key: str = ""
    path: str = CHAT_PATH
    extra_headers: dict[str, str] = {}
    logged: Callable[[], int] | None = None
    """How many answers are in its log, where it keeps one."""

    @property
    def url(self) -> str:
        """Where the load goes."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request."""
        key = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", **key, **self.extra_headers}

    def request(self, ask: Ask) -> dict[str, object]:
        """The body; only the model's name differs between systems."""
        wait = f" (The mock answers after {ask.wait_ms} ms.)" if ask.wait_ms else ""
        messages = [{"role": "system", "content": ROLE}, {"role": "user", "content": QUESTION + wait}]
        return {"model": self.model, "messages": messages, **({"stream": True} if ask.stream else {})}


class _Text(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Text = _Text()
    delta: _Text = _Text()


class _Completion(msgspec.Struct):
    choices: list[_Choice]


CHECKS = (Ask(), Ask(stream=True))


def check(system: System) -> None:
    """Sends a request of each kind and insists on the mock's own words, so that no figure stands for errors."""
    for ask in CHECKS:
        body = web.call(system.port, "POST", system.path, headers=system.headers, body=system.request(ask))
        try:
            answer = _streamed(body) if ask.stream else _whole(body)
        except (msgspec.DecodeError, IndexError) as error:
            raise BenchmarkError(f"{system.name} answered no chat completion: {body[:500]!r}") from error
        if answer != ANSWER:
            raise BenchmarkError(f"{system.name} did not pass on the upstream's answer: {answer[:500]}")


def _whole(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Completion).choices[0].message.content or ""


def _streamed(body: bytes) -> str:
    events = [line.removeprefix(b"data:").strip() for line in body.splitlines() if line.startswith(b"data:")]
    chunks = [msgspec.json.decode(event, type=_Completion) for event in events if event != b"[DONE]"]
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
