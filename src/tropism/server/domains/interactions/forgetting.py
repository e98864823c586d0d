"""Deleting interactions: what was asked for, which are next, and the rows that the log itself holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, update

from tropism.server.clock import EPOCH, first_id_at, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.interactions import counting
from tropism.server.domains.interactions.walk import behind_the_newest
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest, NotFound
from tropism.server.tables.interactions import interaction, interaction_body, interaction_deletion, interaction_label
from tropism.server.tables.use_cases import use_case
from tropism.wire import interactions as wire

AT_ONCE = 200
"""So many go in one transaction: chat waits behind it, a few milliseconds on a laptop."""
log = interaction.c


class Selection(msgspec.Struct, kw_only=True, frozen=True):
    """Which interactions: those before `until`, and of these the ones for which everything given holds."""

    use_case_id: UUID
    until: UUID
    user: UUID | None = None
    session_id: UUID | None = None
    completion_ids: list[UUID] | None = None


def begin(transaction: Writing, request: wire.InteractionsDelete) -> wire.Deletion:
    """Note what is to be deleted. From the commit on it will be, whatever becomes of the caller or of us."""
    used = use_cases.find(transaction, request.use_case)
    if all(each is None for each in (request.user, request.session_id, request.completion_ids, request.older_than)):
        raise InvalidRequest("say which: give `user`, `session_id`, `completion_ids` or `older_than`", param="user")
    id = transaction.new_id()
    until = behind_the_newest(transaction, used.id, id)
    wanted = Selection(
        use_case_id=used.id,
        until=until if request.older_than is None else min(until, _first_at(request.older_than)),
        user=request.user,
        session_id=request.session_id,
        completion_ids=request.completion_ids,
    )
    values = {"request": msgspec.to_builtins(wanted), "stand_in": transaction.new_id(), "deleted": 0}
    transaction.run(insert(interaction_deletion).values(id=id, use_case_id=used.id, **values))
    return get(transaction, wire.DeletionReference(deletion=id))


def get(session: Reading, request: wire.DeletionReference) -> wire.Deletion:
    """How far a deletion is."""
    statement = select(interaction_deletion, use_case.c.key, use_case.c.team_id).join(
        use_case, use_case.c.id == interaction_deletion.c.use_case_id
    )
    row = session.row(statement.where(interaction_deletion.c.id == request.deletion))
    if row is None or not session.sees(row.team_id, row.use_case_id):
        raise NotFound(f"no deletion {request.deletion}; interactions.delete(...) returns its id", param="deletion")
    return wire.Deletion(
        id=row.id,
        use_case=row.key,
        status="RUNNING" if row.ended_ms is None else "COMPLETED",
        deleted=row.deleted,
        created_at=time_of(row.id),
        ended_at=None if row.ended_ms is None else EPOCH + timedelta(milliseconds=row.ended_ms),
    )


def unfinished(session: Reading) -> list[tuple[UUID, UUID, Selection]]:
    """The deletions that are not done, oldest first: their ids, stand-ins and selections."""
    rows = session.rows(
        select(interaction_deletion)
        .where(interaction_deletion.c.ended_ms.is_(None))
        .order_by(interaction_deletion.c.id)
    )
    return [(row.id, row.stand_in, msgspec.convert(row.request, Selection)) for row in rows]


def too_old(session: Reading) -> list[Selection]:
    """For each use case that keeps interactions for some days only, those that are older."""
    kept = session.rows(select(use_case).where(use_case.c.retention_days.is_not(None)).order_by(use_case.c.id))
    now = session.now
    return [
        Selection(use_case_id=row.id, until=_first_at(max(EPOCH, now - timedelta(days=row.retention_days))))
        for row in kept
    ]


def following(session: Reading, wanted: Selection) -> list[UUID]:
    """The next ones to delete; none when it is done."""
    conditions = [log.use_case_id == wanted.use_case_id, log.id < wanted.until]
    if wanted.user is not None:
        conditions.append(log.user_id == wanted.user)
    if wanted.session_id is not None:
        conditions.append(log.session_id == wanted.session_id)
    if wanted.completion_ids is not None:
        conditions.append(log.id.in_(wanted.completion_ids))
    return [row.id for row in session.rows(select(log.id).where(*conditions).order_by(log.id).limit(AT_ONCE))]


def forget(transaction: Writing, ids: Sequence[UUID]) -> list[Row[Any]]:
    """Remove what the log holds of these; the rows as they were. Feedback must be gone before."""
    rows = list(transaction.rows(select(interaction).where(log.id.in_(ids))))
    for row in rows:
        for key, value in (row.labels or {}).items():
            transaction.run(delete(interaction_label).where(_label(row, key, value)))
    transaction.run(delete(interaction_body).where(interaction_body.c.id.in_(ids)))
    transaction.run(delete(interaction).where(log.id.in_(ids)))
    counting.count(transaction, rows, by=-1)
    return rows


def has_more(session: Reading, test_id: UUID, unit: UUID) -> bool:
    """Whether the log still holds interactions of a test's unit: a user, a session, or one interaction."""
    for column in (log.user_id, log.session_id, log.id):
        if session.row(select(log.id).where(column == unit, log.ab_test_id == test_id).limit(1)):
            return True
    return False


def note(transaction: Writing, deletion: UUID, deleted: int) -> None:
    """Count what a deletion has done."""
    done = interaction_deletion.c.deleted + deleted
    transaction.run(update(interaction_deletion).where(interaction_deletion.c.id == deletion).values(deleted=done))


def end(transaction: Writing, deletion: UUID) -> None:
    """A deletion is done. Whom it was about is forgotten with it."""
    ended = {"ended_ms": milliseconds(transaction.now), "request": {}}
    transaction.run(update(interaction_deletion).where(interaction_deletion.c.id == deletion).values(**ended))


def _label(row: Row[Any], key: str, value: str) -> ColumnElement[bool]:
    label = interaction_label.c
    same_value = and_(label.use_case_id == row.use_case_id, label.key == key, label.value == value)
    return and_(same_value, label.interaction_id == row.id)


def _first_at(moment: Any) -> UUID:
    return first_id_at(milliseconds(moment))
