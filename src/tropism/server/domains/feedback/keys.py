"""Feedback keys: registered once, linked to the use cases that log them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.references import refers, refuse_id
from tropism.server.tables.ab_tests import ab_test
from tropism.server.tables.feedback import feedback_key
from tropism.server.tables.use_cases import linked_feedback_key, use_case
from tropism.wire import feedback as wire
from tropism.wire.page import Nothing


def find(session: Reading, reference: str, param: str = "feedback_key") -> Row[Any]:
    row = session.row(select(feedback_key).where(refers(feedback_key, reference)))
    if row is None:
        raise NotFound(
            f"no feedback key {reference!r}; create it with feedback.register_key({reference!r})", param=param
        )
    return row


def find_linked(session: Reading, reference: str, use_case_id: UUID, param: str = "feedback_key") -> Row[Any]:
    """The key, which must be linked to the use case."""
    key = find(session, reference, param)
    link = linked_feedback_key.c
    where = (link.use_case_id == use_case_id, link.feedback_key_id == key.id)
    if session.row(select(link.use_case_id).where(*where)) is None:
        name = session.value(select(use_case.c.key).where(use_case.c.id == use_case_id))
        raise InvalidRequest(
            f"feedback key {key.key!r} is not linked to use case {name!r}; link it with feedback.link({key.key!r})",
            param=param,
        )
    return key


def described(row: Row[Any]) -> wire.FeedbackKey:
    return wire.FeedbackKey(
        id=row.id,
        key=row.key,
        name=row.name,
        description=row.description,
        kind=row.kind,
        scoring_type=row.scoring_type,
        created_at=time_of(row.id),
    )


def register(transaction: Writing, request: wire.FeedbackKeyCreate) -> wire.FeedbackKey:
    refuse_id(request.key, "key")
    if transaction.row(select(feedback_key.c.id).where(feedback_key.c.key == request.key)):
        raise Conflict(f"there is a feedback key {request.key!r} already; choose another key", param="key")
    values = {
        "id": transaction.new_id(),
        "key": request.key,
        "name": request.name or request.key,
        "description": request.description,
        "kind": request.kind,
        "scoring_type": request.scoring_type,
    }
    transaction.run(insert(feedback_key).values(**values))
    return described(find(transaction, request.key))


def list_all(session: Reading, _: Nothing) -> wire.FeedbackKeys:
    rows = session.rows(select(feedback_key).order_by(feedback_key.c.id))
    return wire.FeedbackKeys(feedback_keys=[described(row) for row in rows])


def get(session: Reading, request: wire.FeedbackKeyReference) -> wire.FeedbackKey:
    return described(find(session, request.feedback_key))


def link(transaction: Writing, request: wire.FeedbackKeyLink) -> wire.FeedbackKey:
    """Link; a key that is linked stays linked."""
    key, used = find(transaction, request.feedback_key), use_cases.find(transaction, request.use_case)
    if key.id not in {each.id for each in linked_to(transaction, [used.id]).get(used.id, [])}:
        transaction.run(insert(linked_feedback_key).values(use_case_id=used.id, feedback_key_id=key.id))
    return described(key)


def unlink(transaction: Writing, request: wire.FeedbackKeyLink) -> Nothing:
    """Unlink. What was logged stays; a running A/B test on the key must be cancelled first."""
    used = use_cases.find(transaction, request.use_case)
    key = find_linked(transaction, request.feedback_key, used.id)
    running = (ab_test.c.use_case_id == used.id, ab_test.c.feedback_key_id == key.id)
    statement = select(ab_test.c.key).where(*running, ab_test.c.status.in_(("warmup", "in_progress")))
    if test := transaction.value(statement):
        raise Conflict(f"the running A/B test {test!r} counts {key.key!r}; cancel that first", param="feedback_key")
    linked = linked_feedback_key.c
    where = (linked.use_case_id == used.id, linked.feedback_key_id == key.id)
    transaction.run(delete(linked_feedback_key).where(*where))
    return Nothing()


def linked_to(session: Reading, ids: Sequence[UUID]) -> dict[UUID, list[wire.FeedbackKey]]:
    """The keys linked to each of these use cases."""
    statement = (
        select(feedback_key, linked_feedback_key.c.use_case_id)
        .join(linked_feedback_key)
        .where(linked_feedback_key.c.use_case_id.in_(ids))
        .order_by(feedback_key.c.id)
    )
    found: dict[UUID, list[wire.FeedbackKey]] = {}
    for row in session.rows(statement):
        found.setdefault(row.use_case_id, []).append(described(row))
    return found
