"""Forgetting whose spending it was; what was spent stays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select

from tropism.server.database.session import Writing
from tropism.server.domains.costs.counting import NOBODY, SUMS, add_up
from tropism.server.tables.costs import user_spending

AT_ONCE = 500
DAY_MS = 86_400_000
log = user_spending.c


def disown(transaction: Writing, use_case_id: UUID, until: UUID, user: UUID | None) -> int:
    """What a user spent, or all users before the day of `until`, becomes nobody's; how many rows are done.

    Some at a time: call again until there are none.
    """
    whose = log.user_id == user if user is not None else log.user_id != NOBODY
    day = (until.int >> 80) // DAY_MS  # an id may be of a time that no date has
    before = day + (user is not None)  # a user is forgotten with the day that is not over
    where: tuple[ColumnElement[bool], ...] = (log.use_case_id == use_case_id, log.day < before, whose)
    rows = list(transaction.rows(select(user_spending).where(*where).order_by(log.day, log.user_id).limit(AT_ONCE)))
    for row in rows:
        sums: dict[str, Any] = {name: getattr(row, name) for name in SUMS}
        mine = (log.use_case_id == row.use_case_id, log.day == row.day, log.user_id == row.user_id)
        transaction.run(delete(user_spending).where(*mine))
        nobodys = {"use_case_id": row.use_case_id, "day": row.day, "user_id": NOBODY}
        transaction.run(add_up(user_spending), [nobodys | sums])
    return len(rows)
