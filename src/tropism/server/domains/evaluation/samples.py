"""The verdicts of an evaluation, page by page, with what was asked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, select, tuple_

from tropism.server.database.session import Reading
from tropism.server.domains.evaluation import service
from tropism.server.domains.models import service as models
from tropism.server.errors import InvalidRequest
from tropism.server.tables.evaluation import evaluation_answer
from tropism.server.tables.interactions import interaction_body
from tropism.server.tables.models import model
from tropism.wire import evaluation as wire
from tropism.wire.chat import ChatMessage
from tropism.wire.page import PageInfo

answer = evaluation_answer.c
_joined = (
    select(evaluation_answer, interaction_body.c.messages, interaction_body.c.completion, model.c.key.label("model"))
    .outerjoin(interaction_body, interaction_body.c.id == answer.completion_id)
    .outerjoin(model, model.c.id == answer.model_id)
    .order_by(answer.number, answer.position)
)


def page(session: Reading, request: wire.SampleQuery) -> wire.EvaluatedSamples:
    """The verdicts that match, in the order of the samples."""
    job_id = service.find(session, request.job).job_id
    wanted = _joined.where(answer.job_id == job_id, *_conditions(session, request))
    rows = list(session.rows(wanted.limit(request.first + 1)))
    more, rows = len(rows) > request.first, rows[: request.first]
    info = PageInfo(
        start_cursor=_cursor(rows[0]) if rows else None,
        end_cursor=_cursor(rows[-1]) if rows else None,
        has_next_page=more,
        has_previous_page=request.after is not None,
    )
    return wire.EvaluatedSamples(samples=[_shown(row) for row in rows], page_info=info)


def _conditions(session: Reading, request: wire.SampleQuery) -> Iterator[ColumnElement[bool]]:
    if request.model is not None:
        yield answer.model_id == models.find(session, request.model).id
    if request.status is not None:
        yield answer.status == request.status
    if request.min_score is not None:
        yield answer.score >= request.min_score
    if request.max_score is not None:
        yield answer.score <= request.max_score
    if request.after is not None:
        yield tuple_(answer.number, answer.position) > _place(request.after)


def _cursor(row: Row[Any]) -> str:
    return f"{row.number}.{row.position}"


def _place(cursor: str) -> tuple[int, int]:
    try:
        number, position = map(int, cursor.split("."))
    except ValueError:
        raise InvalidRequest("this is no cursor; take it from page_info", param="after") from None
    return number, position


def _shown(row: Row[Any]) -> wire.EvaluatedSample:
    return wire.EvaluatedSample(
        number=row.number,
        model=row.model,
        completion_id=row.completion_id,
        messages=msgspec.convert(row.messages or [], list[ChatMessage]),
        completion=row.completion,
        status=row.status,
        score=row.score,
        reason=row.reason,
        parts=msgspec.convert(row.parts or [], list[wire.VerdictPart]),
    )
