"""Deleting feedback with the completions it is about, and taking a user's name off what they said about others'."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.tables.feedback import comparison, feedback


def forget(transaction: Writing, completion_ids: Sequence[UUID]) -> None:
    """Remove the values and comparisons of these completions."""
    transaction.run(delete(feedback).where(feedback.c.completion_id.in_(completion_ids)))
    # Two statements: of an `or`, not every planner takes both indexes.
    for side in (comparison.c.preferred_id, comparison.c.other_id):
        transaction.run(delete(comparison).where(side.in_(completion_ids)))


def said_by(session: Reading, use_case_id: UUID, user: UUID, until: UUID) -> tuple[list[UUID], list[UUID]]:
    """The values and the comparisons that a user gave before. It reads all feedback: a reader, nobody waits for it."""
    values, pairs = (
        [row.id for row in session.rows(select(table.c.id).where(table.c.user_id == user, table.c.id < until, here))]
        for table, here in (
            (feedback, feedback.c.use_case_id == use_case_id),
            (comparison, comparison.c.use_case_id == use_case_id),
        )
    )
    return values, pairs


def disown(transaction: Writing, values: Sequence[UUID], pairs: Sequence[UUID], stand_in: UUID) -> None:
    """Let it be somebody's who is nobody: the value stays, the words go."""
    anonymous = {"user_id": stand_in, "details": None}
    transaction.run(update(feedback).where(feedback.c.id.in_(values)).values(**anonymous))
    transaction.run(update(comparison).where(comparison.c.id.in_(pairs)).values(user_id=stand_in))
