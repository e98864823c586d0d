"""Feedback: keys, metric values on completions, preferences between completions, outcomes of sessions."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.chat import ChatMessage
from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import Key, Name, Reference, Text, Time

FeedbackKind = Literal["scalar", "bool"]
ScoringType = Literal["higher_is_better", "lower_is_better"]
Tie = Literal["good", "bad"]
Value = Annotated[bool | float, Meta(description="0, 1, true or false for a bool key; any finite number for a scalar.")]


class FeedbackKey(Struct, kw_only=True, frozen=True):
    """What a number of feedback means, and which direction is better."""

    id: UUID
    key: str
    name: str
    description: str | None
    kind: FeedbackKind
    scoring_type: ScoringType
    created_at: Time


class FeedbackKeys(Struct, kw_only=True, frozen=True):
    """A list of feedback keys."""

    feedback_keys: list[FeedbackKey]


class FeedbackKeyCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new feedback key."""

    key: Key
    kind: FeedbackKind = "scalar"
    scoring_type: ScoringType = "higher_is_better"
    name: Name | None = None
    description: Text | None = None


class FeedbackKeyReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One feedback key."""

    feedback_key: Reference


class FeedbackKeyLink(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One feedback key in one use case."""

    use_case: Reference
    feedback_key: Reference


class MetricFeedbackCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A value for one completion. The same user on the same completion and key replaces the earlier value."""

    metric: Reference
    value: Value
    completion_id: UUID
    user_id: UUID | None = None
    details: Text | None = None
    reason: Name | None = None


class MetricFeedback(Struct, kw_only=True, frozen=True):
    """A value that was logged for a completion."""

    id: UUID
    feedback_key: str
    value: float
    completion_id: UUID
    user: UUID | None
    details: str | None
    reason: str | None
    created_at: Time


class OutcomeCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A value for a whole session; it is kept with the session's last completion."""

    metric: Reference
    value: Value
    session_id: UUID
    user_id: UUID | None = None


class ComparedText(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One side of a comparison that was not logged before: a model's answer."""

    model: Reference
    text: str


class ComparisonCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A preference between two completions, each given by its id or as a model's text.

    Texts need the `use_case` and exactly one of `prompt` and `messages`; they are logged as interactions of their own.
    """

    metric: Reference
    preferred_completion: UUID | ComparedText
    other_completion: UUID | ComparedText
    use_case: Reference | None = None
    user_id: UUID | None = None
    prompt: str | None = None
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=1_000)] | None = None
    tied: Tie | None = None


class Comparison(Struct, kw_only=True, frozen=True):
    """A preference that was logged. With `tied`, neither side is better; both are good or both are bad."""

    id: UUID
    feedback_key: str
    preferred_completion_id: UUID
    other_completion_id: UUID
    tied: Tie | None
    user: UUID | None
    created_at: Time


REGISTER_KEY = Endpoint(
    method="POST",
    path="/api/v1/feedback_keys",
    takes=FeedbackKeyCreate,
    returns=FeedbackKey,
    permission="feedback_key:create",
    summary="Register a feedback key",
    status=201,
)
LIST_KEYS = Endpoint(
    method="GET",
    path="/api/v1/feedback_keys",
    takes=Nothing,
    returns=FeedbackKeys,
    permission="feedback_key:read",
    summary="List feedback keys",
)
GET_KEY = Endpoint(
    method="GET",
    path="/api/v1/feedback_keys/{feedback_key}",
    takes=FeedbackKeyReference,
    returns=FeedbackKey,
    permission="feedback_key:read",
    summary="Get a feedback key",
)
LINK = Endpoint(
    method="POST",
    path="/api/v1/use_cases/{use_case}/feedback_keys",
    takes=FeedbackKeyLink,
    returns=FeedbackKey,
    permission="feedback_key:link",
    summary="Link a feedback key to a use case",
    status=201,
)
UNLINK = Endpoint(
    method="DELETE",
    path="/api/v1/use_cases/{use_case}/feedback_keys/{feedback_key}",
    takes=FeedbackKeyLink,
    returns=Nothing,
    permission="feedback_key:link",
    summary="Unlink a feedback key from a use case",
)
LOG_METRIC = Endpoint(
    method="POST",
    path="/api/v1/feedback",
    takes=MetricFeedbackCreate,
    returns=MetricFeedback,
    permission="feedback:create",
    summary="Log a metric value for a completion",
    status=201,
    audited=False,
)
LOG_PREFERENCE = Endpoint(
    method="POST",
    path="/api/v1/comparison",
    takes=ComparisonCreate,
    returns=Comparison,
    permission="feedback:create",
    summary="Log a preference between two completions",
    status=201,
    audited=False,
)
LOG_OUTCOME = Endpoint(
    method="POST",
    path="/api/v1/outcome",
    takes=OutcomeCreate,
    returns=MetricFeedback,
    permission="feedback:create",
    summary="Log a metric value for a session",
    status=201,
    audited=False,
)
