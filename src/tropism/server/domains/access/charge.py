"""Who is in charge of whom: whoever may change a user's roles wherever they have one, and lacks nothing they may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tropism.server.database.session import Reading
from tropism.server.domains.access import users
from tropism.server.errors import Forbidden
from tropism.server.identity.grants import Grants, grants_of


def managed(session: Reading, reference: str) -> Row[Any]:
    """The named user, if it is the caller or somebody whom the caller is in charge of."""
    row = users.find(session, reference)
    if row.id != session.principal.user_id and not is_managed(session, row.id):
        raise Forbidden(f"{row.email} may do things that you may not, or works for other teams, too")
    return row


def is_managed(session: Reading, user_id: UUID, by: UUID | None = None) -> bool:
    """Whether the caller may change roles wherever the user has one, and lacks none of the user's permissions.

    Or whether somebody else may, if `by` names them.
    """
    mine = session.principal.grants if by is None else _held(session, by).teams  # a narrowed key has less than its user
    theirs = _held(session, user_id).teams
    return bool(theirs) and all(
        "user:update" in mine.get(team, ()) and held <= mine[team] for team, held in theirs.items()
    )


def _held(session: Reading, user_id: UUID) -> Grants:
    """What a user may do, or might if they were active."""
    return grants_of(session, user_id).get(user_id, Grants())
