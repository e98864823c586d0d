"""Interactions: the log of every completion, with its feedback."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.chat import ChatMessage, FinishReason, Messages, Usage
from tropism.wire.endpoint import Endpoint
from tropism.wire.feedback import Comparison, MetricFeedback, Value
from tropism.wire.page import Nothing, Page, PageInfo
from tropism.wire.tools import Tool, ToolCall, ToolChoice, Tools
from tropism.wire.values import Labels, Reference, Text, Time

Source = Literal["LIVE", "OFFLINE", "AUTOMATION", "DATASET", "EVALUATION"]
OrderField = Literal["created_at", "prompt_tokens", "completion_tokens", "latency_ms", "cost_usd"]
GroupBy = Literal["model", "prompt"]
FEW = Meta(max_length=100)


class LoggedFeedback(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Feedback that comes with an interaction."""

    feedback_key: Reference
    value: Value
    details: Text | None = None


class InteractionCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A completion made elsewhere, with exactly one of `prompt` and `messages`.

    With `ab_campaign`, it counts in that A/B test. `tools` were offered to the model; `tool_calls` are what it called.
    """

    use_case: Reference
    completion: str
    model: Reference | None = None
    prompt: str | None = None
    messages: Messages | None = None
    feedbacks: Annotated[list[LoggedFeedback], Meta(max_length=100)] | None = None
    user: UUID | None = None
    session_id: UUID | None = None
    ab_campaign: Reference | None = None
    labels: Labels | None = None
    tools: Tools | None = None
    tool_calls: Annotated[list[ToolCall], Meta(min_length=1, max_length=128)] | None = None
    metadata: dict[str, Any] | None = None
    created_at: Time | None = None


class InteractionsCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Many interactions at once: all are logged, or none."""

    interactions: Annotated[list[InteractionCreate], Meta(min_length=1, max_length=1_000)]


class InteractionLogged(Struct, kw_only=True, frozen=True):
    """The ids that a logged interaction got."""

    completion_id: UUID
    session_id: UUID
    feedback_ids: list[UUID]


class InteractionsLogged(Struct, kw_only=True, frozen=True):
    """The ids of many logged interactions, in their order."""

    interactions: list[InteractionLogged]


class Order(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """By what a list is ordered."""

    field: OrderField
    order: Literal["ASC", "DESC"] = "DESC"


class TimeRange(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Times in milliseconds since 1970; `from` is included, `to` is not."""

    from_: int | None = None
    to: int | None = None


class FeedbackFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Interactions that have feedback of this metric for which everything given here holds."""

    metric: Reference
    gt: float | None = None
    gte: float | None = None
    eq: float | None = None
    neq: float | None = None
    lt: float | None = None
    lte: float | None = None
    user: UUID | None = None
    reasons: Annotated[list[str], FEW] | None = None


class ComparisonFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Interactions that were compared under this metric."""

    metric: Reference


class LabelFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Interactions with this label, and with one of the values where they are given."""

    key: str
    value: Annotated[list[str], FEW] | None = None


class InteractionFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which interactions; everything given must hold. `tags` name A/B tests."""

    models: Annotated[list[Reference], FEW] | None = None
    timerange: TimeRange | None = None
    session_id: UUID | None = None
    user_id: UUID | None = None
    feedbacks: Annotated[list[FeedbackFilter], FEW] | None = None
    comparisons: Annotated[list[ComparisonFilter], FEW] | None = None
    labels: Annotated[list[LabelFilter], FEW] | None = None
    prompt_hash: str | None = None
    completion_id: UUID | None = None
    tags: Annotated[list[str], FEW] | None = None
    source: Annotated[list[Source], FEW] | None = None


class InteractionQuery(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A page of interactions, or of groups of them."""

    use_case: Reference
    order: Annotated[list[Order], Meta(max_length=1)] | None = None
    filters: InteractionFilter | None = None
    page: Page | None = None
    group_by: GroupBy | None = None


class InteractionExport(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """All interactions of a use case, or those that match."""

    use_case: Reference
    filters: InteractionFilter | None = None


class InteractionWatch(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Interactions of a use case as they are logged, or those that match."""

    use_case: Reference
    filters: InteractionFilter | None = None


class InteractionsDelete(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which interactions to delete: those for which everything given here holds, logged before this moment.

    With `user`, what that user said about others' completions stays, without the user's id and words.
    """

    use_case: Reference
    user: UUID | None = None
    session_id: UUID | None = None
    completion_ids: Annotated[list[UUID], Meta(min_length=1, max_length=1_000)] | None = None
    older_than: Time | None = None


class DeletionReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One deletion."""

    deletion: UUID


class Deletion(Struct, kw_only=True, frozen=True):
    """A deletion of interactions, which goes on until it is done, whatever becomes of its caller or the engine.

    `deleted` counts the interactions so far, with the answers that evaluations got to the same prompts.
    """

    id: UUID
    use_case: str
    status: Literal["RUNNING", "COMPLETED"]
    deleted: int
    created_at: Time
    ended_at: Time | None


class Timings(Struct, kw_only=True, frozen=True):
    """How long an answer took, in milliseconds. The first token's time is known for streamed answers."""

    latency_ms: float | None
    first_token_ms: float | None


class GenerationParameters(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the caller (or the variant) asked for."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] | None = None
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None


class Attempt(Struct, kw_only=True, frozen=True):
    """One try to get an answer. Without an error, it gave it."""

    model: str
    error: str | None
    latency_ms: float


class Interaction(Struct, kw_only=True, frozen=True):
    """A logged completion. `id` and `completion_id` are the same. `model` is None where none was named.

    `model` has answered. Where it did so as a fallback, `assigned_model` is the one that should have; in an A/B test
    the completion counts for that one. `attempts` are those that it took, where it took more than one. `api_key` is the
    id of the key that asked for it. `cost_usd` is by the model's prices of that moment, and None where they or the
    tokens are not known. `cached_from` is the completion whose answer was given again: this one took no tokens and cost
    nothing. `model_version` is that of the variant which answered, whose system prompt was filled in with
    `system_prompt_args`.
    """

    id: UUID
    completion_id: UUID
    use_case: str
    model: str | None
    assigned_model: str | None
    messages: list[ChatMessage]
    completion: str
    tools: list[Tool]
    tool_calls: list[ToolCall]
    finish_reason: FinishReason | None
    session_id: UUID
    user: UUID | None
    ab_test: str | None
    labels: dict[str, str]
    metadata: dict[str, Any]
    tags: list[str]
    source: Source
    prompt_hash: str
    usage: Usage | None
    cost_usd: float | None
    api_key: UUID | None
    parameters: GenerationParameters
    timings: Timings
    attempts: list[Attempt]
    cached_from: UUID | None
    model_version: int | None
    system_prompt_args: dict[str, Any]
    created_at: Time
    direct_feedbacks: list[MetricFeedback]
    comparison_feedbacks: list[Comparison]


class FeedbackSummary(Struct, kw_only=True, frozen=True):
    """Metric feedback of a group."""

    feedback_key: str
    mean: float
    count: int


class InteractionGroup(Struct, kw_only=True, frozen=True):
    """Interactions of one model (the one that answered), or of one prompt. `cost_usd` sums the known costs."""

    model: str | None
    prompt_hash: str | None
    messages: list[ChatMessage] | None
    count: int
    feedbacks: list[FeedbackSummary]
    mean_latency_ms: float | None
    cost_usd: float | None
    last_created_at: Time


class InteractionPage(Struct, kw_only=True, frozen=True):
    """A page of interactions; with `group_by`, of groups.

    `total_count` counts them on all pages. Where counting on would take long, it stops at some number up to 10,000:
    `total_is_exact` is false then, and there are at least so many.
    """

    nodes: list[Interaction]
    groups: list[InteractionGroup]
    page_info: PageInfo
    total_count: int
    total_is_exact: bool = True


class InteractionReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One interaction; with a use case, it must belong to it."""

    completion_id: UUID
    use_case: Reference | None = None


CREATE = Endpoint(
    method="POST",
    path="/api/v1/interactions",
    takes=InteractionCreate,
    returns=InteractionLogged,
    permission="interaction:create",
    summary="Log a completion made elsewhere",
    status=201,
    audited=False,
)
CREATE_MANY = Endpoint(
    method="POST",
    path="/api/v1/interactions/bulk",
    takes=InteractionsCreate,
    returns=InteractionsLogged,
    permission="interaction:create",
    summary="Log many completions, all or none",
    status=201,
    audited=False,
)
QUERY = Endpoint(
    method="POST",
    path="/api/v1/interactions/query",
    takes=InteractionQuery,
    returns=InteractionPage,
    permission="interaction:read",
    summary="List, filter, order, page and group interactions",
    replayable=False,
)
WATCH = Endpoint(
    method="POST",
    path="/api/v1/interactions/events",
    takes=InteractionWatch,
    returns=Nothing,
    permission="interaction:read",
    summary="Watch interactions: each that matches is sent soon after it was logged",
    streams=Interaction,
    replayable=False,
    audited=False,
)
EXPORT = Endpoint(
    method="POST",
    path="/api/v1/interactions/export",
    takes=InteractionExport,
    returns=Nothing,
    permission="interaction:read",
    summary="Get all interactions that match as JSON lines, oldest first",
    replayable=False,
    sends="application/x-ndjson",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/interactions/{completion_id}",
    takes=InteractionReference,
    returns=Interaction,
    permission="interaction:read",
    summary="Get an interaction",
)
DELETE = Endpoint(
    method="POST",
    path="/api/v1/interactions/deletions",
    takes=InteractionsDelete,
    returns=Deletion,
    permission="interaction:delete",
    summary="Delete interactions with their feedback, by user, session, age or id",
    status=201,
)
GET_DELETION = Endpoint(
    method="GET",
    path="/api/v1/interactions/deletions/{deletion}",
    takes=DeletionReference,
    returns=Deletion,
    permission="interaction:delete",
    summary="Get how far a deletion of interactions is",
)
