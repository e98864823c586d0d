"""Use cases that a team shares with another: each member gets what both the share's role and their own allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, true

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import teams
from tropism.server.domains.use_cases import service
from tropism.server.errors import InvalidRequest, NotFound
from tropism.server.references import refers
from tropism.server.tables.access import membership, role, team
from tropism.server.tables.use_cases import use_case, use_case_share
from tropism.wire.use_cases import Share, UseCaseShare, UseCaseShareReference


def share(transaction: Writing, request: UseCaseShare) -> Row[Any]:
    """Let another team work on a use case; a share that is there gets the new role."""
    used, with_team = service.find(transaction, request.use_case), _team(transaction, request.team)
    if with_team.id == used.team_id:
        raise InvalidRequest(f"use case {used.key!r} belongs to team {with_team.key!r} already", param="team")
    under = teams.grantable(transaction, request.role, service.team_of(transaction, used))
    _forget(transaction, used.id, with_team.id)
    values = {"use_case_id": used.id, "team_id": with_team.id, "role_id": under.id}
    transaction.run(insert(use_case_share).values(**values))
    transaction.touch()
    return used


def unshare(transaction: Writing, request: UseCaseShareReference) -> Row[Any]:
    """Take a use case back from a team."""
    used = service.find(transaction, request.use_case)
    if not _forget(transaction, used.id, _team(transaction, request.team).id):
        raise NotFound(f"use case {used.key!r} is not shared with team {request.team!r}", param="team")
    transaction.touch()
    return used


def of_use_cases(session: Reading, ids: Sequence[UUID]) -> Mapping[UUID, list[Share]]:
    """With whom use cases are shared, by their ids. Who is in one of these teams only sees that one."""
    mine = session.principal.grants
    seen = true() if session.principal.is_system else or_(use_case.c.team_id.in_(mine), _with_mine(session))
    rows = session.rows(
        select(use_case_share.c.use_case_id, team.c.key.label("team"), role.c.key.label("role"))
        .select_from(use_case_share.join(team).join(role).join(use_case, use_case.c.id == use_case_share.c.use_case_id))
        .where(use_case_share.c.use_case_id.in_(ids), seen)
        .order_by(team.c.id)
    )
    found: dict[UUID, list[Share]] = defaultdict(list)
    for row in rows:
        found[row.use_case_id].append(Share(team=row.team, role=row.role))
    return found


def _with_mine(session: Reading) -> ColumnElement[bool]:
    """A share with a team that the caller is in, whatever they may do there otherwise."""
    teams_of = select(membership.c.team_id).where(membership.c.user_id == session.principal.user_id)
    return use_case_share.c.team_id.in_(teams_of)


def _team(session: Reading, reference: str) -> Row[Any]:
    row = session.row(select(team).where(refers(team, reference)))
    if row is None:
        raise NotFound(f"no team {reference!r}; its members find its key with teams.list()", param="team")
    return row


def _forget(transaction: Writing, use_case_id: UUID, team_id: UUID) -> int:
    known = use_case_share.c.use_case_id == use_case_id, use_case_share.c.team_id == team_id
    return transaction.run(delete(use_case_share).where(*known))
