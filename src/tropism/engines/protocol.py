"""What an engine is: something that turns messages into text piece by piece, or texts into vectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One request for one answer. `None` leaves a choice to the engine.

    `stream=False` says that the caller wants the whole answer at once: the engine may then yield it as one piece.
    """

    messages: Sequence[Message]
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: Sequence[str] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens read and written, as the engine counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an answer. The last one carries the finish reason; usage comes with or after it."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """One vector per text, in the order of the texts."""

    vectors: Sequence[Sequence[float]]
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a model is and how to run it: all that an engine is told about it."""

    key: str
    kind: Literal["Generation", "Embedding"]
    path: Path | None = None
    """A GGUF file, for local engines."""
    endpoint: str | None = None
    """The base URL, for remote engines; the routes of the wire (`/chat/completions`) are appended to it."""
    external_model_id: str | None = None
    """The model's name at the provider."""
    api_key: str | None = field(default=None, repr=False)
    extra_params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request to a remote engine."""
    slots: int = 4
    """How many requests a local engine works on at once."""
    context: int = 2048
    """The longest prompt and answer together, in tokens, of one slot."""
    threads: int | None = None
    """CPU threads of a local engine; None takes what fits the machine."""


class EngineError(Exception):
    """An engine could not answer. The message is fit for the caller's eyes."""

    status: ClassVar[int] = 502
    type: ClassVar[str] = "engine_error"


class EngineRejected(EngineError):
    """The engine understood the request and refused it, such as a prompt longer than its context."""

    status = 400
    type = "engine_rejected"


class EngineUnavailable(EngineError):
    """The engine is not running, not reachable, or too busy; the request can be repeated."""

    status = 503
    type = "engine_unavailable"


class EngineTimeout(EngineError):
    """The engine took longer than it may."""

    status = 504
    type = "engine_timeout"


class Engine(Protocol):
    """One model, ready to answer. Only `generate` (or `embed`, for an embedding model) is required.

    Engines are shared by all requests. Closing the iterator of `generate` stops the generation.
    """

    async def start(self) -> None:
        """Return when requests can be answered; raise `EngineError` with the reason when that cannot be."""

    async def close(self) -> None:
        """Let running requests end within a few seconds, then free everything."""

    def generate(self, prompt: Prompt) -> AsyncIterator[Piece]:
        """Yield the answer piece by piece."""
        raise EngineRejected("this model does not generate text; use an embedding request")

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one vector per text."""
        raise EngineRejected("this model does not make embeddings; use a chat request")
