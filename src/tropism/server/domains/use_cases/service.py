"""Use cases: created in a team, seen by its members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy import update as sql_update

from tropism.server.database.session import Reading, Writing
from tropism.server.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tropism.server.identity.grants import seen_by
from tropism.server.references import refers, refuse_id
from tropism.server.snapshot import no_use_case
from tropism.server.tables.access import team
from tropism.server.tables.use_cases import use_case
from tropism.wire.permissions import Permission
from tropism.wire.use_cases import UseCaseCreate, UseCaseUpdate

_with_team = select(use_case, team.c.key.label("team")).join(team)


def find(session: Reading, reference: str) -> Row[Any]:
    """The row of a use case that the caller may see."""
    row = session.row(_with_team.where(refers(use_case, reference)))
    if row is None or not session.sees(row.team_id, row.id):
        raise no_use_case(reference)
    return row


def demand(session: Reading, row: Row[Any], permission: Permission, does: str) -> None:
    """Raise unless the caller may do this on a use case, too: a call that does two things needs both permissions."""
    if not session.principal.may_on(permission, row.team_id, row.id):
        raise Forbidden(f"this {does}, and needs the permission {permission!r}, too")


def team_of(session: Reading, row: Row[Any]) -> Row[Any]:
    """The team that a use case belongs to."""
    found = session.row(select(team).where(team.c.id == row.team_id))
    assert found is not None
    return found


def visible(session: Reading) -> Sequence[Row[Any]]:
    """Every use case that the caller may see, oldest first."""
    return session.rows(_with_team.where(seen_by(session.principal)).order_by(use_case.c.id))


def create(transaction: Writing, request: UseCaseCreate) -> Row[Any]:
    refuse_id(request.key, "key")
    if transaction.row(select(use_case.c.id).where(use_case.c.key == request.key)):
        raise Conflict(f"there is a use case {request.key!r} already; choose another key", param="key")
    values = {
        "id": transaction.new_id(),
        "key": request.key,
        "name": request.name or request.key,
        "description": request.description,
        "team_id": _team_for(transaction, request.team),
    }
    transaction.run(insert(use_case).values(**values))
    transaction.touch()
    return find(transaction, request.key)


def update(transaction: Writing, request: UseCaseUpdate) -> Row[Any]:
    """Change what is given."""
    used = find(transaction, request.use_case)
    given: dict[str, Any] = {"name": request.name, "description": request.description}
    changed = {name: value for name, value in given.items() if value is not None}
    if request.retention_days is not None:
        if request.retention_days:
            demand(transaction, used, "interaction:delete", "deletes interactions")
        changed["retention_days"] = request.retention_days or None
    if request.redact is not None:
        changed["redact"] = sorted(set(request.redact)) or None
    if request.cache_seconds is not None:
        changed["cache_seconds"] = request.cache_seconds or None
    if request.cache_answers is not None:
        changed["cache_answers"] = request.cache_answers
    if changed:
        transaction.run(sql_update(use_case).where(use_case.c.id == used.id).values(**changed))
        transaction.touch()
    return find(transaction, str(used.id))


def _team_for(session: Reading, reference: str | None) -> Any:
    """The named team, or the only one in which the caller may create."""
    principal = session.principal
    rows = [row for row in session.rows(select(team).order_by(team.c.id)) if principal.belongs_to(row.id)]
    if reference is not None:
        rows = [row for row in rows if reference in (row.key, str(row.id))]
        if not rows:
            raise NotFound(f"you are in no team {reference!r}; users.me() lists yours", param="team")
    allowed = [row for row in rows if principal.may("use_case:create", row.id)]
    if not allowed:
        raise Forbidden("this needs the permission 'use_case:create' in the team")
    if len(allowed) > 1 and not principal.is_system:
        raise InvalidRequest("you are in several teams; name one with `team`", param="team")
    return allowed[0].id
