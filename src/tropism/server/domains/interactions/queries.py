"""Reading the log: a page of it, groups of it, and whole interactions with their feedback."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, case, func, literal, select

from tropism.server.clock import time_of
from tropism.server.database.newest import newest
from tropism.server.database.session import Reading
from tropism.server.domains.interactions import cursors
from tropism.server.domains.interactions.cursors import Position, Window
from tropism.server.domains.interactions.filters import Condition, after, conditions
from tropism.server.domains.interactions.matches import Matches, count, following, matches
from tropism.server.errors import InvalidRequest
from tropism.server.tables.ab_tests import ab_test
from tropism.server.tables.feedback import comparison, feedback, feedback_key
from tropism.server.tables.interactions import interaction, interaction_body
from tropism.server.tables.models import model
from tropism.server.tables.use_cases import use_case
from tropism.wire import interactions as wire
from tropism.wire.chat import ChatMessage, Usage
from tropism.wire.feedback import Comparison, MetricFeedback
from tropism.wire.page import PageInfo
from tropism.wire.tools import Tool, ToolCall

NOBODY = UUID(int=0)
log = interaction.c
_SAID = tuple(column for column in interaction_body.c if column.name != "id")

_made_in = case((log.cached_from.is_(None), log.latency_ms))
"""How long it took to make an answer; one that was given again says nothing about its model."""

_SORTED: dict[wire.OrderField, ColumnElement[Any]] = {
    "prompt_tokens": func.coalesce(log.prompt_tokens, -1),
    "completion_tokens": func.coalesce(log.completion_tokens, -1),
    "latency_ms": func.coalesce(log.latency_ms, -1.0),
    "cost_usd": func.coalesce(log.cost_usd, -1.0),
}


def page(session: Reading, use_case_id: UUID, request: wire.InteractionQuery) -> wire.InteractionPage:
    """One page of interactions."""
    wanted = request.filters or wire.InteractionFilter()
    found = matches(session, use_case_id, wanted)
    by_time = cursors.is_by_time(request)
    rows, info = _in_time(session, found, request) if by_time else _by_value(session, use_case_id, wanted, request)
    total, is_exact = count(session, found, use_case_id, wanted)
    nodes = described(session, [row.id for row in rows])
    return wire.InteractionPage(nodes=nodes, groups=[], page_info=info, total_count=total, total_is_exact=is_exact)


Places = tuple[Sequence[Position], PageInfo]


def _in_time(session: Reading, found: Matches, request: wire.InteractionQuery) -> Places:
    def fetch(position: Position | None, descending: bool, number: int) -> list[Position]:
        ids = following(session, found, position and position.id, descending, number)
        return [Position(None, id) for id in ids]

    return _window(request, fetch)


def _by_value(
    session: Reading, use_case_id: UUID, wanted: wire.InteractionFilter, request: wire.InteractionQuery
) -> Places:
    """By a figure, which no index has: all matches are sorted."""
    value = _SORTED[request.order[0].field] if request.order else log.id
    statement = select(value.label("value"), log.id).where(*conditions(session, use_case_id, wanted))

    def fetch(position: Position | None, descending: bool, number: int) -> list[Position]:
        place = None if position is None else list(position)
        ordered = _ordered(statement, [value, log.id], place, descending, Select.where)
        return [Position(row.value, row.id) for row in session.rows(ordered.limit(number))]

    return _window(request, fetch)


def groups(session: Reading, use_case_id: UUID, request: wire.InteractionQuery) -> wire.InteractionPage:
    """One page of groups, the one with the latest interaction first."""
    if not cursors.is_by_time(request):
        raise InvalidRequest("groups are ordered by `created_at`, that of their latest interaction", param="order")
    matching = conditions(session, use_case_id, request.filters or wire.InteractionFilter())
    by = log.model_id if request.group_by == "model" else log.prompt_hash
    last = newest(log.id)
    statement = (
        select(by.label("by"), last.label("id"), literal(None).label("value"), func.count().label("size"))
        .add_columns(func.avg(_made_in).label("latency"), func.sum(log.cost_usd).label("cost"))
        .where(*matching)
        .group_by(by)
    )

    def fetch(position: Position | None, descending: bool, number: int) -> Sequence[Row[Any]]:
        place = None if position is None else [position.id]
        return session.rows(_ordered(statement, [last], place, descending, Select.having).limit(number))

    rows, info = _window(request, fetch)
    total = session.value(select(func.count()).select_from(select(by).where(*matching).group_by(by).subquery()))
    found = [_group(session, row, by, matching, request.group_by) for row in rows]
    return wire.InteractionPage(nodes=[], groups=found, page_info=info, total_count=total, total_is_exact=True)


Restrict = Callable[[Select[Any], Condition], Select[Any]]


def _ordered(
    statement: Select[Any], columns: list[ColumnElement[Any]], place: list[Any] | None, descending: bool, to: Restrict
) -> Select[Any]:
    """The rows of a statement in the order of columns, from those after a place on."""
    if place is not None:
        statement = to(statement, after(columns, place, descending))
    return statement.order_by(*(column.desc() if descending else column.asc() for column in columns))


class Placed(Protocol):
    """A row, or what is known of one: its place in the order."""

    @property
    def value(self) -> float | None: ...
    @property
    def id(self) -> UUID: ...


P = TypeVar("P", bound=Placed)
Fetch = Callable[[Position | None, bool, int], Sequence[P]]
"""`fetch(position, descending, number)`: the first rows after a position."""


def _window(request: wire.InteractionQuery, fetch: Fetch[P]) -> tuple[Sequence[P], PageInfo]:
    """The rows of one page: fetched with one more, which tells whether there is a further page."""
    wanted = cursors.window(request)
    is_descending = not request.order or request.order[0].order == "DESC"
    rows = list(fetch(wanted.position, is_descending != wanted.backwards, wanted.size + 1))
    more, rows = len(rows) > wanted.size, rows[: wanted.size]
    if wanted.backwards:
        rows.reverse()
    return rows, _page_info(rows, wanted, more, request)


def _page_info(rows: Sequence[Placed], wanted: Window, more: bool, request: wire.InteractionQuery) -> PageInfo:
    came_from = wanted.position is not None
    ends = [cursors.write(Position(row.value, row.id), request) for row in (*rows[:1], *rows[-1:])]
    return PageInfo(
        start_cursor=ends[0] if ends else None,
        end_cursor=ends[-1] if ends else None,
        has_next_page=came_from if wanted.backwards else more,
        has_previous_page=more if wanted.backwards else came_from,
    )


def _group(
    session: Reading, row: Row[Any], by: ColumnElement[Any], matching: list[Condition], kind: wire.GroupBy | None
) -> wire.InteractionGroup:
    means = (
        select(feedback_key.c.key, func.avg(feedback.c.value).label("mean"), func.count().label("size"))
        .join(feedback, feedback.c.feedback_key_id == feedback_key.c.id)
        .join(interaction, log.id == feedback.c.completion_id)
        .where(*matching, by == row.by if row.by is not None else by.is_(None))
        .group_by(feedback_key.c.key)
        .order_by(feedback_key.c.key)
    )
    latest = described(session, [row.id])[0]
    return wire.InteractionGroup(
        model=latest.model if kind == "model" else None,
        prompt_hash=latest.prompt_hash if kind == "prompt" else None,
        messages=latest.messages if kind == "prompt" else None,
        count=row.size,
        feedbacks=[
            wire.FeedbackSummary(feedback_key=each.key, mean=each.mean, count=each.size) for each in session.rows(means)
        ],
        mean_latency_ms=row.latency,
        cost_usd=row.cost,
        last_created_at=time_of(row.id),
    )


def described(session: Reading, ids: Sequence[UUID]) -> list[wire.Interaction]:
    """Whole interactions, in the order of `ids`."""
    names = (use_case.c.key.label("use_case"), model.c.key.label("model"), ab_test.c.key.label("ab_test"))
    assigned = model.alias("assigned")
    statement = (
        select(interaction, *_SAID, *names)
        .add_columns(assigned.c.key.label("assigned_model"))
        .join(interaction_body, interaction_body.c.id == log.id)
        .join(use_case, use_case.c.id == log.use_case_id)
        .outerjoin(model, model.c.id == log.model_id)
        .outerjoin(assigned, assigned.c.id == log.assigned_model_id)
        .outerjoin(ab_test, ab_test.c.id == log.ab_test_id)
        .where(log.id.in_(ids))
    )
    rows = {row.id: row for row in session.rows(statement)}
    direct, compared = _direct(session, ids), _compared(session, ids)
    return [_described(rows[id], direct[id], compared[id]) for id in ids]


def _described(row: Row[Any], direct: list[MetricFeedback], compared: list[Comparison]) -> wire.Interaction:
    return wire.Interaction(
        id=row.id,
        completion_id=row.id,
        use_case=row.use_case,
        model=row.model,
        assigned_model=row.assigned_model,
        messages=msgspec.convert(row.messages, list[ChatMessage]),
        completion=row.completion,
        tools=msgspec.convert(row.tools or [], list[Tool]),
        tool_calls=msgspec.convert(row.tool_calls or [], list[ToolCall]),
        finish_reason=row.finish_reason,
        session_id=row.session_id,
        user=row.user_id,
        ab_test=row.ab_test,
        labels=row.labels or {},
        metadata=row.metadata or {},
        tags=[row.ab_test] if row.ab_test else [],
        source=row.source,
        prompt_hash=row.prompt_hash.hex(),
        usage=_usage(row),
        cost_usd=row.cost_usd,
        api_key=row.api_key_id,
        cached_from=row.cached_from,
        model_version=row.model_version,
        system_prompt_args=row.system_prompt_args or {},
        attempts=msgspec.convert(row.attempts or [], list[wire.Attempt]),
        parameters=msgspec.convert(row.parameters or {}, wire.GenerationParameters),
        timings=wire.Timings(latency_ms=row.latency_ms, first_token_ms=row.first_token_ms),
        created_at=time_of(row.id),
        direct_feedbacks=direct,
        comparison_feedbacks=compared,
    )


def _usage(row: Row[Any]) -> Usage | None:
    if row.prompt_tokens is None or row.completion_tokens is None:
        return None
    return Usage.counted(row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.reasoning_tokens)


def _direct(session: Reading, ids: Sequence[UUID]) -> dict[UUID, list[MetricFeedback]]:
    statement = select(feedback, feedback_key.c.key).join(feedback_key).where(feedback.c.completion_id.in_(ids))
    found: dict[UUID, list[MetricFeedback]] = defaultdict(list)
    for row in session.rows(statement.order_by(feedback.c.id)):
        found[row.completion_id].append(
            MetricFeedback(
                id=row.id,
                feedback_key=row.key,
                value=row.value,
                completion_id=row.completion_id,
                user=None if row.user_id == NOBODY else row.user_id,
                details=row.details,
                reason=row.reason,
                created_at=time_of(row.id),
            )
        )
    return found


def _compared(session: Reading, ids: Sequence[UUID]) -> dict[UUID, list[Comparison]]:
    found: dict[UUID, list[Comparison]] = defaultdict(list)
    for side in (comparison.c.preferred_id, comparison.c.other_id):
        statement = select(comparison, feedback_key.c.key, side.label("side")).join(feedback_key).where(side.in_(ids))
        for row in session.rows(statement.order_by(comparison.c.id)):
            found[row.side].append(
                Comparison(
                    id=row.id,
                    feedback_key=row.key,
                    preferred_completion_id=row.preferred_id,
                    other_completion_id=row.other_id,
                    tied=row.tied,
                    user=None if row.user_id == NOBODY else row.user_id,
                    created_at=time_of(row.id),
                )
            )
    return found
