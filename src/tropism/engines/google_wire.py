"""The part of Google's wire format that we read: answers, events of streams, and vectors. What is zero is left out."""

from __future__ import annotations

from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, rename={"function_call": "functionCall", "signature": "thoughtSignature"}):
    """A part of an answer."""

    text: str = ""
    thought: bool = False
    signature: str | None = None
    function_call: FunctionCall | None = None


class FunctionCall(msgspec.Struct, frozen=True):
    """A call of a tool; older models give it no id."""

    name: str = ""
    args: dict[str, Any] | None = None
    id: str | None = None


class Content(msgspec.Struct, frozen=True):
    """The parts of an answer."""

    parts: list[Part] = []


class Likely(msgspec.Struct, frozen=True, rename="camel"):
    """A token and the logarithm of its probability."""

    token: str = ""
    log_probability: float = 0.0


class Tops(msgspec.Struct, frozen=True):
    """The most likely tokens of one place."""

    candidates: list[Likely] = []


class Probabilities(msgspec.Struct, frozen=True, rename="camel"):
    """How likely the tokens of an answer were."""

    chosen_candidates: list[Likely] = []
    top_candidates: list[Tops] = []


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """One of the answers asked for; we ask for one."""

    content: Content = Content()
    finish_reason: str | None = None
    finish_message: str | None = None
    logprobs: Probabilities | None = msgspec.field(default=None, name="logprobsResult")


class PromptFeedback(msgspec.Struct, frozen=True, rename="camel"):
    """Why nothing was answered."""

    block_reason: str | None = None


class Counted(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens; thoughts are counted apart from the answer."""

    prompt_token_count: int | None = None
    candidates_token_count: int = 0
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int = 0


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """A whole answer, or one event of a stream."""

    candidates: list[Candidate] = []
    prompt_feedback: PromptFeedback | None = None
    usage: Counted | None = msgspec.field(default=None, name="usageMetadata")
    error: Any = None


class Vector(msgspec.Struct, frozen=True):
    """One embedding."""

    values: list[float]


class Vectors(msgspec.Struct, frozen=True):
    """The answer to an embedding request."""

    embeddings: list[Vector] = []
    usage: Counted | None = msgspec.field(default=None, name="usageMetadata")
