"""What an engine is: something that turns messages into text piece by piece, or texts into vectors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from msgspec import Struct

from tropism.egress.policy import LAPTOP, Egress
from tropism.wire.chat import ChatMessage
from tropism.wire.chat import FinishReason as FinishReason
from tropism.wire.logprobs import TokenLogprob
from tropism.wire.tools import Tool, ToolCallDelta, ToolChoice

Message = ChatMessage
"""One turn of a conversation, as the API takes it."""

State = Literal["online", "restarting", "error"]
"""`restarting` ends by itself; `error` is final: close the engine and make another."""

OnState = Callable[[State, str | None], None]
"""Told of every change after `start` has returned, in the event loop, with the reason unless it is `online`."""


def ignore_state(state: State, reason: str | None) -> None:
    """The `OnState` of those who do not care."""


class Prompt(Struct, kw_only=True, frozen=True):
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
    """Best effort: the same seed gives the same answer only while the engine works on nothing else."""
    adapter: Path | None = None
    """Which of the source's `adapters` answers, by its file; None is the base model."""
    json_schema: Mapping[str, Any] | None = None
    """The answer shall be JSON that satisfies this schema; None asks for free text.

    A local engine writes nothing else, unless `max_tokens` cuts it short. Remote ones are asked for it and keep to it
    as well as they can; the echo engine does not.
    """
    json_schema_name: str = "answer"
    """What a remote engine is told that the schema describes: letters, digits, dashes and underscores."""
    json_schema_strict: bool = False
    """Ask a remote engine to write nothing else either; OpenAI then takes a part of JSON schema only."""
    tools: Sequence[Tool] = ()
    """What the model may call instead of answering in words. Names differ from each other."""
    tool_choice: ToolChoice | None = None
    """None leaves it to the model, as `auto` does. A local engine keeps to it and to the tools' schemas."""
    parallel_tool_calls: bool | None = None
    """With False, one call at most."""
    logprobs: bool = False
    top_logprobs: int | None = None


class Usage(Struct, kw_only=True, frozen=True):
    """Tokens read and written, as the engine counted them; a detail is None where it is not counted.

    Tokens from a cache and tokens written to it are among `prompt_tokens`, reasoning among `completion_tokens`.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Piece(Struct, frozen=True, kw_only=True):
    """A part of an answer. The last one with text, or one after it, carries the finish reason.

    Usage comes with or after the finish reason, or never when a remote engine did not count; engines never guess.
    Earlier pieces may tell the usage so far: it is what is known of an answer that is cut short.

    `tool_calls` are fragments: the first of each call has its id, type and name, those that follow only add arguments.
    """

    text: str = ""
    tool_calls: Sequence[ToolCallDelta] = ()
    logprobs: Sequence[TokenLogprob] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """One vector per text, in the order of the texts."""

    vectors: Sequence[Sequence[float]]
    prompt_tokens: int | None
    """None when a remote engine did not say; engines never guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a model is and how to run it: all that an engine is told about it."""

    key: str
    kind: Literal["Generation", "Embedding"]
    path: Path | None = None
    """A GGUF file, for local engines."""
    weights: Path | None = None
    """The same model as a folder for transformers, for engines that read that."""
    endpoint: str | None = None
    """The base URL, for remote engines; the routes of the wire (`/chat/completions`) are appended to it."""
    external_model_id: str | None = None
    """The model's name at the provider."""
    api_key: str | None = field(default=None, repr=False)
    extra_params: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request to a remote engine."""
    egress: Egress = LAPTOP
    """Which addresses a remote engine may connect to."""
    slots: int = 4
    """How many requests a local engine works on at once."""
    context: int = 2048
    """The longest prompt and answer together, in tokens, of one slot."""
    threads: int | None = None
    """CPU threads of a local engine; None takes what fits the machine."""
    adapters: Sequence[Path] = ()
    """LoRA adapters of a local engine, as GGUF files; beside each, in the folder `model`, it is in PEFT's format."""
    devices: int = 1
    """Over how many of them a model is spread, where an engine can."""
    cache: int | None = None
    """Tokens that all requests share; None leaves it to the engine."""
    program: Sequence[str] = ()
    """What starts an engine that is a program of its own, with the operator's arguments to it."""
    socket: Path | None = None
    """The unix socket at which the endpoint is reached, rather than by its host and port."""


class EngineError(Exception):
    """An engine could not answer. The message is fit for the caller's eyes."""

    status: ClassVar[int] = 502
    type: ClassVar[str] = "engine_error"
    not_begun: bool = False
    """Nothing was generated for certain: asking again pays for nothing twice."""
    retry_after: float | None = None
    """How many seconds the engine wants to be left alone."""
    was_asked: bool = True
    """Otherwise the error says nothing about the engine."""


class EngineRejected(EngineError):
    """The engine understood the request and refused it, such as a prompt longer than its context."""

    status = 400
    type = "engine_rejected"


class EngineUnavailable(EngineError):
    """The engine is not running, not reachable, or too busy: it has begun nothing, and can be asked again."""

    status = 503
    type = "engine_unavailable"


class EngineBrokeOff(EngineUnavailable):
    """The engine went away when it may have begun an answer: to ask again may pay for it twice."""

    status = 502
    type = "engine_broke_off"


class EngineTimeout(EngineError):
    """The engine took longer than it may."""

    status = 504
    type = "engine_timeout"


class Engine(Protocol):
    """One model, ready to answer. Only `generate` (or `embed`, for an embedding model) is required.

    Engines are shared by all requests. Closing the generator of `generate` stops the generation at once; who may leave
    it before its end wraps it in `contextlib.aclosing`.
    """

    adapters_at_run_time: ClassVar[bool] = False
    """Whether `take_adapters` works. Other engines have those that they were started with."""

    async def start(self) -> None:
        """Return when requests can be answered; raise `EngineError` with the reason when that cannot be."""

    async def close(self) -> None:
        """Let running requests end within a few seconds, then free everything."""

    def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        """Yield the answer piece by piece."""
        raise EngineRejected("this model does not generate text; use an embedding request")

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """Return one vector per text."""
        raise EngineRejected("this model does not make embeddings; use a chat request")

    async def take_adapters(self, adapters: Sequence[Path]) -> Mapping[Path, str]:
        """Answer with these adapters from now on, and no others; return those that cannot be had, with the reason."""
        raise EngineRejected("this engine takes adapters only when it starts")


class EngineFactory(Protocol):
    """What a name in the registry stands for: an engine class, or a function that makes an engine."""

    def __call__(self, source: ModelSource, *, on_state: OnState = ignore_state) -> Engine: ...
