"""Chat and plain completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.logprobs import Logprobs
from tropism.wire.parts import Content, text_of
from tropism.wire.tools import ToolCall, ToolCallDelta, ToolChoice, Tools
from tropism.wire.values import Labels, Reference, Text
from tropism.wire.variants import SystemPromptArgs

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "cancelled"]

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


TopLogprobs = Annotated[int, Meta(ge=0, le=20)]


class ChatMessage(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One turn of a conversation. An assistant's turn may hold `tool_calls`; a `tool` answers one, by its id."""

    role: Role
    content: Content | None = None
    name: Annotated[str, Meta(max_length=64)] | None = None
    tool_calls: Annotated[list[ToolCall], Meta(min_length=1, max_length=128)] | None = None
    tool_call_id: Annotated[str, Meta(max_length=256)] | None = None

    def __post_init__(self) -> None:
        if self.content is None and self.tool_calls is None:
            raise ValueError("a message needs `content`; only an assistant's with `tool_calls` may lack it")
        if self.tool_calls is not None and self.role != "assistant":
            raise ValueError("`tool_calls` belong to a message of role 'assistant'")
        if (self.tool_call_id is None) == (self.role == "tool"):
            raise ValueError("a message of role 'tool' needs the `tool_call_id` that it answers, and no other has one")

    @property
    def text(self) -> str:
        """The words of the message."""
        return text_of(self.content)


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
    """What chat and completion requests share. With `store` False nothing is logged: only what it cost is counted."""

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
    store: bool | None = None
    system_prompt_args: SystemPromptArgs | None = None
    """What fills the gaps in the system prompts of variants; they take what they ask for."""


class ChatRequest(Sampling, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Ask for the next turn of a conversation. `metadata` is logged as it is."""

    messages: Messages
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    logprobs: bool | None = None
    top_logprobs: TopLogprobs | None = None
    metadata: dict[str, Any] | None = None


class CompletionRequest(Sampling, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Ask for an answer to a plain prompt; the same as a chat with one user message."""

    prompt: str


class PromptTokensDetails(Struct, kw_only=True, frozen=True):
    """How many of the tokens read came from the provider's cache."""

    cached_tokens: int


class CompletionTokensDetails(Struct, kw_only=True, frozen=True):
    """How many of the tokens written were thoughts that the answer does not show."""

    reasoning_tokens: int


class Usage(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Tokens read and written. The details are there where the engine counts them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails | None = None
    completion_tokens_details: CompletionTokensDetails | None = None

    @staticmethod
    def counted(read: int, written: int, cached: int | None, reasoning: int | None) -> Usage:
        """From the counts; None where one is not known."""
        return Usage(
            prompt_tokens=read,
            completion_tokens=written,
            total_tokens=read + written,
            prompt_tokens_details=None if cached is None else PromptTokensDetails(cached_tokens=cached),
            completion_tokens_details=None
            if reasoning is None
            else CompletionTokensDetails(reasoning_tokens=reasoning),
        )


class AnswerMessage(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The model's turn, which can be sent back as it is. `content` is empty where there are only `tool_calls`."""

    role: Literal["assistant"]
    content: str
    tool_calls: list[ToolCall] | None = None


class ChatChoice(Struct, kw_only=True, frozen=True):
    """One answer. `completion_id` takes feedback at once; `model` is the key of the model that answered."""

    index: int
    message: AnswerMessage
    finish_reason: FinishReason
    completion_id: UUID
    model: str
    logprobs: Logprobs | None = None
    shadow_completion_id: UUID | None = None
    """In a preference test with shadow answers: the completion to compare this one with, logged soon after."""
    cached_from: UUID | None = None
    """Where the use case caches: the completion whose answer this is, given again."""


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
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Struct, kw_only=True, frozen=True):
    """The part of one choice that a chunk carries."""

    index: int
    delta: Delta
    completion_id: UUID
    model: str
    finish_reason: FinishReason | None = None
    logprobs: Logprobs | None = None
    shadow_completion_id: UUID | None = None
    """Told with the last chunk, as `ChatChoice` tells it."""
    cached_from: UUID | None = None


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
    cached_from: UUID | None = None


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
    cached_from: UUID | None = None


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
