"""Chat and plain completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.values import Labels, Reference, Text

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "cancelled"]

ModelRoute = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=257,
        description="`{use_case}` asks its default model or A/B test, `{use_case}/{model}` one of its models.",
    ),
]
Stop = Annotated[list[Annotated[str, Meta(min_length=1, max_length=500)]], Meta(min_length=1, max_length=16)]
MaxTokens = Annotated[int, Meta(ge=1, le=1_048_576)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
TopP = Annotated[float, Meta(gt=0, le=1)]
N = Annotated[int, Meta(ge=1, le=16)]
Seed = Annotated[
    int, Meta(ge=0, le=2**31 - 1, description="The same seed gives the same answer, as far as the engine can.")
]


class ChatMessage(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One turn of a conversation."""

    role: Role
    content: str


Messages = Annotated[list[ChatMessage], Meta(min_length=1, max_length=1_000)]


class StreamOptions(Struct, kw_only=True, frozen=True):
    """With `include_usage`, one more chunk at the end carries the usage and no choices."""

    include_usage: bool = False


class TextFormat(Struct, kw_only=True, frozen=True, tag_field="type", tag="text"):
    """Free text, as without a format."""


class JsonObjectFormat(Struct, kw_only=True, frozen=True, tag_field="type", tag="json_object"):
    """Any JSON object. Say in the messages what shall be in it."""


class JsonSchema(Struct, kw_only=True, frozen=True, rename={"schema_": "schema"}, omit_defaults=True):
    """A JSON schema with its name. With `strict`, a remote model is held to it as a local one always is."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    schema_: dict[str, Any]
    strict: bool | None = None
    description: Text | None = None


class JsonSchemaFormat(Struct, kw_only=True, frozen=True, tag_field="type", tag="json_schema"):
    """JSON that satisfies the schema."""

    json_schema: JsonSchema


ResponseFormat = TextFormat | JsonObjectFormat | JsonSchemaFormat


class Sampling(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What chat and completion requests share."""

    model: ModelRoute
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: Stop | Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    max_tokens: MaxTokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    seed: Seed | None = None
    response_format: ResponseFormat | None = None
    n: N | None = None
    session_id: UUID | None = None
    user: UUID | None = None
    ab_campaign: Reference | None = None
    labels: Labels | None = None


class ChatRequest(Sampling, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Ask for the next turn of a conversation."""

    messages: Messages


class CompletionRequest(Sampling, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Ask for an answer to a plain prompt; the same as a chat with one user message."""

    prompt: str


class Usage(Struct, kw_only=True, frozen=True):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatChoice(Struct, kw_only=True, frozen=True):
    """One answer. `completion_id` takes feedback at once; `model` is the key of the model that answered."""

    index: int
    message: ChatMessage
    finish_reason: FinishReason
    completion_id: UUID
    model: str
    shadow_completion_id: UUID | None = None
    """In a preference test with shadow answers: the completion to compare this one with, logged soon after."""


class ChatCompletion(Struct, kw_only=True, frozen=True):
    """The answer to a chat request. `id` is the completion id of its first choice."""

    id: UUID
    created: int
    model: str
    choices: list[ChatChoice]
    session_id: UUID
    usage: Usage


class Delta(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a chunk adds to a message."""

    role: Role | None = None
    content: str = ""


class ChunkChoice(Struct, kw_only=True, frozen=True):
    """The part of one choice that a chunk carries."""

    index: int
    delta: Delta
    completion_id: UUID
    model: str
    finish_reason: FinishReason | None = None
    shadow_completion_id: UUID | None = None
    """Told with the last chunk, as `ChatChoice` tells it."""


class ChatChunk(Struct, kw_only=True, frozen=True):
    """One event of a streamed answer."""

    id: UUID
    created: int
    model: str
    choices: list[ChunkChoice]
    session_id: UUID
    usage: Usage | None = None


class CompletionChoice(Struct, kw_only=True, frozen=True):
    """One answer to a plain prompt."""

    index: int
    text: str
    finish_reason: FinishReason
    completion_id: UUID
    model: str


class Completion(Struct, kw_only=True, frozen=True):
    """The answer to a completion request."""

    id: UUID
    created: int
    model: str
    choices: list[CompletionChoice]
    session_id: UUID
    usage: Usage


class CompletionChunkChoice(Struct, kw_only=True, frozen=True):
    """The part of one choice that a chunk carries."""

    index: int
    text: str
    completion_id: UUID
    model: str
    finish_reason: FinishReason | None = None


class CompletionChunk(Struct, kw_only=True, frozen=True):
    """One event of a streamed answer to a plain prompt."""

    id: UUID
    created: int
    model: str
    choices: list[CompletionChunkChoice]
    session_id: UUID
    usage: Usage | None = None


CREATE = Endpoint(
    method="POST",
    path="/api/v1/chat/completions",
    takes=ChatRequest,
    returns=ChatCompletion,
    permission="chat:create",
    summary="Chat with a use case",
    streams=ChatChunk,
    replayable=False,
)
COMPLETE = Endpoint(
    method="POST",
    path="/api/v1/completions",
    takes=CompletionRequest,
    returns=Completion,
    permission="chat:create",
    summary="Complete a plain prompt",
    streams=CompletionChunk,
    replayable=False,
)
