"""OpenAI's shape of chat, embeddings and models, so that its official clients work by base URL alone.

Unknown fields are ignored, as OpenAI's own servers do with hints; a field that would change the answer and is not
supported is listed in `Unsupported`, so that it is refused instead of ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from tropism.wire.chat import (
    FinishReason,
    MaxTokens,
    ModelRoute,
    N,
    ResponseFormat,
    Seed,
    Stop,
    StreamOptions,
    Temperature,
    TopLogprobs,
    TopP,
    Usage,
)
from tropism.wire.embeddings import EmbeddingUsage, Inputs
from tropism.wire.endpoint import Endpoint
from tropism.wire.logprobs import Logprobs
from tropism.wire.page import Nothing
from tropism.wire.parts import AudioPart, FilePart, ImagePart, TextPart
from tropism.wire.tools import ToolCall, ToolCallDelta, ToolChoice, Tools
from tropism.wire.values import Labels
from tropism.wire.variants import SystemPromptArgs


class RefusalPart(Struct, kw_only=True, frozen=True, tag_field="type", tag="refusal"):
    """A model's refusal that is sent back with the conversation."""

    refusal: str


class Message(Struct, kw_only=True, frozen=True):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart | ImagePart | AudioPart | FilePart | RefusalPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class Unsupported(Struct, kw_only=True, frozen=True):
    """What would change the answer and is refused."""

    functions: list[Any] | None = None
    logit_bias: dict[str, Any] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    audio: dict[str, Any] | None = None
    web_search_options: dict[str, Any] | None = None


class ChatRequest(Unsupported, kw_only=True, frozen=True):
    """OpenAI's chat completion request. `metadata` becomes the labels."""

    model: ModelRoute
    messages: Annotated[list[Message], Meta(min_length=1, max_length=1_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: Stop | Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    seed: Seed | None = None
    n: N | None = None
    user: str | None = None
    metadata: Labels | None = None
    response_format: ResponseFormat | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    logprobs: bool | None = None
    top_logprobs: TopLogprobs | None = None
    session_id: UUID | None = None
    ab_campaign: str | None = None
    store: bool | None = None
    system_prompt_args: SystemPromptArgs | None = None


class AnswerMessage(Struct, kw_only=True, frozen=True):
    """The model's turn. Without words, as beside tool calls, `content` is null."""

    role: Literal["assistant"]
    content: str | None
    refusal: None = None
    tool_calls: list[ToolCall] | UnsetType = UNSET


class Choice(Struct, kw_only=True, frozen=True):
    """One answer. `completion_id` takes feedback, `shadow_completion_id` is there to be compared with.

    `cached_from` is the completion whose answer was given again.
    """

    index: int
    message: AnswerMessage
    finish_reason: FinishReason
    completion_id: UUID
    logprobs: Logprobs | None = None
    shadow_completion_id: UUID | UnsetType = UNSET
    cached_from: UUID | UnsetType = UNSET


class ChatCompletion(Struct, kw_only=True, frozen=True):
    """OpenAI's chat completion. `id` is the completion id of the first choice."""

    id: UUID
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    session_id: UUID


class Delta(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a chunk adds to a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Struct, kw_only=True, frozen=True):
    """The part of one choice that a chunk carries."""

    index: int
    delta: Delta
    completion_id: UUID
    finish_reason: FinishReason | None = None
    logprobs: Logprobs | None = None
    shadow_completion_id: UUID | UnsetType = UNSET
    cached_from: UUID | UnsetType = UNSET


class ChatChunk(Struct, kw_only=True, frozen=True):
    """One event of a streamed chat completion."""

    id: UUID
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    session_id: UUID
    usage: Usage | None | UnsetType = UNSET


class EmbeddingRequest(Struct, kw_only=True, frozen=True):
    """OpenAI's embedding request."""

    model: ModelRoute
    input: Annotated[str, Meta(min_length=1)] | Inputs
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None


class Embedding(Struct, kw_only=True, frozen=True):
    """The vector of one text."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingResponse(Struct, kw_only=True, frozen=True):
    """OpenAI's embedding response."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class Model(Struct, kw_only=True, frozen=True):
    """A name that chat requests can use: a use case, or one model of it."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(Struct, kw_only=True, frozen=True):
    """OpenAI's list of models."""

    object: Literal["list"]
    data: list[Model]


class Error(Struct, kw_only=True, frozen=True):
    """OpenAI's error fields."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(Struct, kw_only=True, frozen=True):
    """OpenAI's error body."""

    error: Error


CHAT = Endpoint(
    method="POST",
    path="/v1/chat/completions",
    takes=ChatRequest,
    returns=ChatCompletion,
    permission="chat:create",
    summary="Chat with a use case, in OpenAI's shape",
    streams=ChatChunk,
    replayable=False,
)
EMBED = Endpoint(
    method="POST",
    path="/v1/embeddings",
    takes=EmbeddingRequest,
    returns=EmbeddingResponse,
    permission="embedding:create",
    summary="Embed texts, in OpenAI's shape",
    replayable=False,
)
LIST_MODELS = Endpoint(
    method="GET",
    path="/v1/models",
    takes=Nothing,
    returns=Models,
    permission="model:read",
    summary="List use cases and their models, in OpenAI's shape",
)
