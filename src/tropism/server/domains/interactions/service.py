"""Interactions: logging completions made elsewhere, finding those that feedback speaks of, and reading one."""

from __future__ import annotations

from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import Row, select

from tropism.server.clock import EPOCH
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.interactions import queries
from tropism.server.domains.interactions.records import Record, redacted, store
from tropism.server.domains.models import service as models
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest, NotFound
from tropism.server.identity.grants import seen_by
from tropism.server.tables.interactions import interaction
from tropism.server.tables.use_cases import use_case
from tropism.wire import interactions as wire
from tropism.wire.chat import ChatMessage, FinishReason
from tropism.wire.feedback import ComparedText, ComparisonCreate


class Figures(TypedDict, total=False):
    """What other systems measured of their completions."""

    finish_reason: FinishReason | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float | None
    parameters: dict[str, Any] | None


def find(session: Reading, completion_id: UUID, param: str = "completion_id") -> Row[Any]:
    """The row of a completion that the caller may see."""
    with_team = select(interaction, use_case.c.team_id).join(use_case, use_case.c.id == interaction.c.use_case_id)
    row = session.row(with_team.where(interaction.c.id == completion_id))
    if row is None or not session.sees(row.team_id, row.use_case_id):
        raise _no_completion(completion_id, param)
    return row


def last_of_session(session: Reading, session_id: UUID) -> Row[Any]:
    """The row of a session's last completion. Others may have named a session alike: theirs does not count."""
    mine = seen_by(session.principal)
    last = select(interaction.c.id).join(use_case, use_case.c.id == interaction.c.use_case_id).where(mine)
    of_session = last.where(interaction.c.session_id == session_id).order_by(interaction.c.id.desc())
    id = session.value(of_session.limit(1))
    if id is None:
        raise NotFound(f"no session {session_id}; a chat response carries its session_id", param="session_id")
    return find(session, id)


def get(session: Reading, request: wire.InteractionReference) -> wire.Interaction:
    row = find(session, request.completion_id)
    if request.use_case is not None and use_cases.find(session, request.use_case).id != row.use_case_id:
        raise _no_completion(request.completion_id)
    return queries.described(session, [row.id])[0]


def query(session: Reading, request: wire.InteractionQuery) -> wire.InteractionPage:
    used = use_cases.find(session, request.use_case)
    if request.group_by is not None:
        return queries.groups(session, used.id, request)
    return queries.page(session, used.id, request)


def recorded(
    transaction: Writing,
    request: wire.InteractionCreate,
    used: Row[Any],
    ab_test_id: UUID | None = None,
    id: UUID | None = None,
    figures: Figures | None = None,
) -> Record:
    """Store a completion made elsewhere. In an A/B test, its unit is the user, else the session, else itself."""
    model = models.find(transaction, request.model) if request.model is not None else None
    id = id or _id_at(transaction, request)
    record = Record(
        id=id,
        use_case_id=used.id,
        model_id=model.id if model else None,
        session_id=request.session_id or transaction.new_id(),
        user_id=request.user,
        ab_test_id=ab_test_id,
        ab_unit=(request.user or request.session_id or id) if ab_test_id else None,
        source="OFFLINE",
        messages=conversation(request.prompt, request.messages),
        completion=request.completion,
        labels=request.labels,
        **(figures or {}),
        tools=request.tools or None,
        tool_calls=request.tool_calls,
        metadata=request.metadata,
    )
    record = redacted(record, used.redact or ())
    store(transaction, [record])
    return record


def conversation(prompt: str | None, messages: list[ChatMessage] | None) -> list[ChatMessage]:
    """The messages, or the prompt as one; exactly one of them must be given."""
    if (prompt is None) == (messages is None):
        raise InvalidRequest("give exactly one of `prompt` and `messages`", param="prompt")
    return messages if messages is not None else [ChatMessage(role="user", content=prompt or "")]


def compared(transaction: Writing, request: ComparisonCreate) -> tuple[Row[Any], Row[Any]]:
    """The rows of both sides of a comparison; texts are logged first."""
    preferred = _side(transaction, request, request.preferred_completion, "preferred_completion")
    return preferred, _side(transaction, request, request.other_completion, "other_completion")


def _side(transaction: Writing, request: ComparisonCreate, side: UUID | ComparedText, param: str) -> Row[Any]:
    if isinstance(side, UUID):
        return find(transaction, side, param)
    if request.use_case is None:
        raise InvalidRequest("a comparison of texts needs the `use_case`", param="use_case")
    used = use_cases.find(transaction, request.use_case)
    use_cases.demand(transaction, used, "interaction:create", "logs the texts as interactions")
    create = wire.InteractionCreate(
        use_case=used.key,
        completion=side.text,
        model=side.model,
        prompt=request.prompt,
        messages=request.messages,
        user=request.user_id,
    )
    return find(transaction, recorded(transaction, create, used).id)


def _id_at(transaction: Writing, request: wire.InteractionCreate) -> UUID:
    """The id carries the time, so that the log stays in order of time."""
    if request.created_at is None:
        return transaction.new_id()
    if not EPOCH <= request.created_at <= transaction.now:
        raise InvalidRequest("`created_at` must lie between 1970 and now", param="created_at")
    return transaction.clock.new_id(request.created_at)


def _no_completion(id: UUID, param: str = "completion_id") -> NotFound:
    return NotFound(
        f"no completion {id}; chat responses and interactions.create(...) return completion ids", param=param
    )
