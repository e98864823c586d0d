"""A system under test, and the one request that all of them get."""

from __future__ import annotations

import msgspec

from benchmarks.overhead import web
from benchmarks.overhead.failure import BenchmarkError

CHAT_PATH = "/v1/chat/completions"
ANSWER = " ".join(f"word{number}" for number in range(100))

MESSAGES = [
    {"role": "system", "content": "You are the assistant of a small online shop. Answer briefly and politely."},
    {"role": "user", "content": "My parcel was due on Monday and has still not come. What can I do about it?"},
]


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Something that answers chat completions on a port of this machine."""

    name: str
    logs: str
    port: int
    model: str
    key: str

    @property
    def url(self) -> str:
        """Where the load goes."""
        return f"http://127.0.0.1:{self.port}{CHAT_PATH}"

    @property
    def request(self) -> dict[str, object]:
        """The body of every request; only the model's name differs between systems."""
        return {"model": self.model, "messages": MESSAGES}


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


def completion() -> bytes:
    """The mock's answer: a complete chat completion of about 1 kB."""
    return msgspec.json.encode(
        {
            "id": "chatcmpl-mock0000000000000000000001",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "mock",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": ANSWER},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 43, "completion_tokens": 100, "total_tokens": 143},
        }
    )


def check(system: System) -> None:
    """Sends one request and insists on the mock's own words, so that no figure stands for errors."""
    body = web.call(system.port, "POST", CHAT_PATH, key=system.key, body=system.request)
    try:
        answer = msgspec.json.decode(body, type=_Completion).choices[0].message.content
    except (msgspec.DecodeError, IndexError) as error:
        raise BenchmarkError(f"{system.name} answered no chat completion: {body[:500]!r}") from error
    if answer != ANSWER:
        raise BenchmarkError(f"{system.name} did not pass on the upstream's answer: {answer[:500]}")
