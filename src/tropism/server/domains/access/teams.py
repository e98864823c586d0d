"""Teams and roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, insert, select

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access.roles import ROLES
from tropism.server.errors import Conflict, Forbidden, InvalidRequest, NotFound
from tropism.server.references import refers, refuse_id
from tropism.server.tables import access, use_cases
from tropism.wire import access as wire
from tropism.wire.page import Nothing
from tropism.wire.permissions import Permission

team, role, membership = access.team, access.role, access.membership


def list_teams(session: Reading, _: Nothing) -> wire.Teams:
    """The teams that the caller is in."""
    rows = session.rows(select(team).where(team.c.id.in_(session.principal.grants)).order_by(team.c.id))
    return wire.Teams(teams=[_shown(row) for row in rows])


def own(session: Reading, reference: str | None, permission: Permission) -> Row[Any]:
    """The named team of the caller, or the only one in which they have the permission."""
    mine = select(team).where(team.c.id.in_(session.principal.grants))
    if reference is not None:
        row = session.row(mine.where(refers(team, reference)))
        if row is None:
            raise NotFound(f"you are in no team {reference!r}; users.me() lists yours", param="team")
        session.about(row.id)
        return row
    rows = [row for row in session.rows(mine.order_by(team.c.id)) if session.principal.may(permission, row.id)]
    if len(rows) > 1:
        raise InvalidRequest("you are in several teams; name one with `team`", param="team")
    session.about(rows[0].id)
    return rows[0]


def create(transaction: Writing, request: wire.TeamCreate) -> wire.Team:
    """A new team. Its maker is in it with the role that allowed to make it."""
    refuse_id(request.key, "key")
    _refuse_narrowed(transaction)
    if transaction.row(select(team.c.id).where(team.c.key == request.key)):
        raise Conflict(f"there is a team {request.key!r} already; choose another key", param="key")
    id, me = transaction.new_id(), transaction.principal
    transaction.run(insert(team).values(id=id, key=request.key, name=request.name or request.key))
    transaction.about(id)
    mine = select(membership.c.role_id).where(membership.c.user_id == me.user_id, membership.c.team_id.in_(me.grants))
    role_id = transaction.value(mine.order_by(membership.c.team_id))
    transaction.run(insert(membership).values(user_id=me.user_id, team_id=id, role_id=role_id))
    transaction.touch()
    return wire.Team(id=id, key=request.key, name=request.name or request.key, created_at=time_of(id))


def list_roles(session: Reading, _: Nothing) -> wire.Roles:
    """Every role; roles are the same for all teams."""
    return wire.Roles(roles=[_role_shown(row) for row in session.rows(select(role).order_by(role.c.id))])


def create_role(transaction: Writing, request: wire.RoleCreate) -> wire.Role:
    """A new role, which holds nothing that its maker lacks."""
    refuse_id(request.key, "key")
    _refuse_narrowed(transaction)
    if transaction.row(select(role.c.id).where(role.c.key == request.key)):
        raise Conflict(f"there is a role {request.key!r} already; choose another key", param="key")
    wanted = sorted(set(request.permissions))
    mine = transaction.principal.grants
    team_id = min((id for id, held in mine.items() if held.issuperset(wanted)), default=None)
    if team_id is None:
        raise Forbidden("a role cannot hold a permission that you lack: in no team of yours do you have all of these")
    values = {"id": transaction.new_id(), "key": request.key, "name": request.name or request.key, "team_id": team_id}
    transaction.run(insert(role).values(**values, permissions=wanted))
    return _role_shown(find_role(transaction, request.key))


def delete_role(transaction: Writing, request: wire.RoleReference) -> Nothing:
    """Remove a role that is neither built in nor in use."""
    row = find_role(transaction, request.role)
    if row.key in ROLES:
        raise Conflict(f"{row.key!r} is built in; it cannot be deleted", param="role")
    if not transaction.principal.belongs_to(row.team_id):  # who made it anew would choose what others give with it
        raise Forbidden(f"the role {row.key!r} was made in another team; it is deleted there")
    share = use_cases.use_case_share
    used = select(membership.c.user_id).where(membership.c.role_id == row.id)
    shared = select(share.c.team_id).where(share.c.role_id == row.id)
    if transaction.row(used.limit(1)) or transaction.row(shared.limit(1)):
        raise Conflict(f"somebody has the role {row.key!r}; users.update(...) gives another one first", param="role")
    transaction.run(delete(role).where(role.c.id == row.id))
    return Nothing()


def find_role(session: Reading, reference: str) -> Row[Any]:
    row = session.row(select(role).where(refers(role, reference)))
    if row is None:
        raise NotFound(f"no role {reference!r}; roles.list() shows them", param="role")
    return row


def grantable(session: Reading, reference: str, in_team: Row[Any]) -> Row[Any]:
    """A role that the caller may give to others in a team: it holds nothing that they lack there."""
    row = find_role(session, reference)
    lacking = _lacking(session, row.permissions, in_team)
    if lacking:
        raise Forbidden(f"the role {row.key!r} holds permissions that you lack in this team: {', '.join(lacking)}")
    return row


def _lacking(session: Reading, permissions: Iterable[Permission], in_team: Row[Any]) -> list[Permission]:
    held = session.principal.grants[in_team.id]
    return [] if session.principal.is_system else sorted(set(permissions) - held)


def _refuse_narrowed(session: Reading) -> None:
    """What such a key made would reach further than the key."""
    if session.principal.only is not None:
        raise Forbidden("this key is narrowed to some use cases; this needs one that is not")


def _shown(row: Row[Any]) -> wire.Team:
    return wire.Team(id=row.id, key=row.key, name=row.name, created_at=time_of(row.id))


def _role_shown(row: Row[Any]) -> wire.Role:
    return wire.Role(
        id=row.id, key=row.key, name=row.name, built_in=row.key in ROLES, permissions=sorted(row.permissions)
    )
