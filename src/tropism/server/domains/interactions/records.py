"""Writing the log: one record per completion, many at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tropism.server.database.prepared import Prepared, Values
from tropism.server.database.session import Writing
from tropism.server.domains.costs import counting as costs
from tropism.server.domains.costs.counting import Charge
from tropism.server.domains.interactions import counting
from tropism.server.domains.trends import counting as trends
from tropism.server.privacy import redaction
from tropism.server.tables.interactions import interaction, interaction_body, interaction_label
from tropism.wire.chat import ChatMessage, FinishReason
from tropism.wire.interactions import Source
from tropism.wire.tools import Tool, ToolCall
from tropism.wire.use_cases import Redactable

_encode = msgspec.json.Encoder(order="deterministic").encode


class Record(Struct, frozen=True, kw_only=True):
    """One completion to log. With an A/B test, `ab_unit` is who stays with the variant.

    `model_id` has answered; `assigned_model_id` is whom it answered for, where it was a fallback.
    """

    id: UUID
    use_case_id: UUID
    session_id: UUID
    source: Source
    messages: Sequence[ChatMessage]
    completion: str
    model_id: UUID | None = None
    user_id: UUID | None = None
    ab_test_id: UUID | None = None
    ab_unit: UUID | None = None
    finish_reason: FinishReason | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency_ms: float | None = None
    first_token_ms: float | None = None
    parameters: dict[str, Any] | None = None
    labels: dict[str, str] | None = None
    assigned_model_id: UUID | None = None
    cost_usd: float | None = None
    api_key_id: UUID | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    tools: Sequence[Tool] | None = None
    tool_calls: Sequence[ToolCall] | None = None
    metadata: dict[str, Any] | None = None
    attempts: list[dict[str, Any]] | None = None
    cached_from: UUID | None = None
    is_first: bool = True
    """Whether no other answer to the same request counts for the same model."""
    model_version: int | None = None
    system_prompt_args: dict[str, Any] | None = None

    @property
    def variant_id(self) -> UUID | None:
        """The model that a test counts: the one that was drawn, whoever answered for it."""
        return self.assigned_model_id or self.model_id


_HASH = interaction.c.keys().index("prompt_hash")
_BEFORE, _AFTER = (attrgetter(*names) for names in (interaction.c.keys()[:_HASH], interaction.c.keys()[_HASH + 1 :]))
_SAID = attrgetter(*interaction_body.c.keys())
MADE_HERE: frozenset[Source] = frozenset({"LIVE", "AUTOMATION", "EVALUATION"})
"""What our engines made, and somebody paid for."""
_ROW, _BODY, _LABEL = (Prepared(table) for table in (interaction, interaction_body, interaction_label))


def store(transaction: Writing, records: Sequence[Record]) -> None:
    """Insert records, and count them, their cost and their latency: a few statements, however many there are."""
    if not records:
        return
    transaction.put(_ROW, [_row(record) for record in records])
    transaction.put(_BODY, [_SAID(record) for record in records])
    transaction.put(_LABEL, [label for record in records for label in _labels(record)])
    counting.count(transaction, records)
    count_cost(transaction, records)
    trends.count(transaction, [value for record in records for value in _measured(record)])


def count_cost(transaction: Writing, records: Sequence[Record]) -> None:
    """Count what they cost, and nothing else of them."""
    if charges := [_charge(record) for record in records if record.source in MADE_HERE]:
        costs.count(transaction, charges)


def redacted(record: Record, kinds: Sequence[Redactable]) -> Record:
    """The record as the use case wants it stored. Before the writer gets it: all wait for the writer."""
    if not kinds:
        return record
    return replace(
        record,
        messages=redaction.redacted_messages(record.messages, kinds),
        completion=redaction.redacted(record.completion, kinds),
        tool_calls=redaction.redacted_calls(record.tool_calls, kinds),
        metadata=redaction.redacted_structure(record.metadata, kinds),
        system_prompt_args=redaction.redacted_structure(record.system_prompt_args, kinds),
        attempts=[_redacted_attempt(attempt, kinds) for attempt in record.attempts or ()] or None,
    )


def _redacted_attempt(attempt: dict[str, Any], kinds: Sequence[Redactable]) -> dict[str, Any]:
    """A provider's words may repeat what it was told."""
    return {**attempt, "error": attempt["error"] and redaction.redacted(attempt["error"], kinds)}


def prompt_hash(messages: Sequence[ChatMessage]) -> bytes:
    """The same for the same conversation, whoever asks."""
    return hashlib.sha256(_encode(messages)).digest()[:16]


def _charge(record: Record) -> Charge:
    return Charge(
        id=record.id,
        use_case_id=record.use_case_id,
        model_id=record.model_id,
        api_key_id=record.api_key_id,
        user_id=record.user_id,
        prompt_tokens=record.prompt_tokens,
        completion_tokens=record.completion_tokens,
        cost_usd=record.cost_usd,
    )


def _measured(record: Record) -> list[trends.Value]:
    """How long an answer took that people saw. One that was cut short, or given again, says nothing about it."""
    if record.source not in trends.SEEN or record.finish_reason == "cancelled" or record.cached_from:
        return []
    taken = ((trends.LATENCY, record.latency_ms), (trends.FIRST_TOKEN, record.first_token_ms))
    place: dict[str, Any] = {"use_case_id": record.use_case_id, "model_id": record.model_id}
    return [
        trends.Value(completion_id=record.id, metric=metric, after=value, **place)
        for metric, value in taken
        if value is not None
    ]


def _row(record: Record) -> Values:
    return (*_BEFORE(record), prompt_hash(record.messages), *_AFTER(record))


def _labels(record: Record) -> list[Values]:
    return [(record.use_case_id, key, value, record.id) for key, value in (record.labels or {}).items()]
