"""Users and their roles in teams. Nobody gives what they do not have, and nobody outranks the one who takes it away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Table, delete, insert, select, update

from tropism.server.clock import milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import teams
from tropism.server.errors import Conflict, Forbidden, NotFound
from tropism.server.identity.grants import IS_ACTIVE, Held
from tropism.server.references import as_id
from tropism.server.tables import access
from tropism.server.tables.use_cases import use_case
from tropism.wire import access as wire
from tropism.wire.page import Nothing
from tropism.wire.permissions import Permission

user, membership = access.user, access.membership
Changed = dict[str, str | None]
"""New roles by team; None where there is none any more."""


def me(session: Reading, _: Nothing) -> wire.Me:
    """The user behind the key of this call, with every team that the key reaches, and what it may do there."""
    mine = _view(session, session.principal.user_id)
    return wire.Me(
        **msgspec.structs.asdict(mine),
        permissions=_by_key(session, access.team, session.principal.grants),
        shares=_by_key(session, use_case, session.principal.shares),
    )


def _by_key(session: Reading, table: Table, held: Mapping[UUID, Held]) -> dict[str, list[Permission]]:
    rows = session.rows(select(table.c.id, table.c.key).where(table.c.id.in_(held)))
    return {row.key: sorted(held[row.id]) for row in rows}


def list_users(session: Reading, _: Nothing) -> wire.Users:
    """Those who are in one of the caller's teams."""
    theirs = select(membership.c.user_id).where(membership.c.team_id.in_(session.principal.grants))
    rows = session.rows(select(user).where(user.c.id.in_(theirs)).order_by(user.c.id))
    held = _memberships(session, [row.id for row in rows])
    return wire.Users(users=[_shown(row, held) for row in rows])


def find(session: Reading, reference: str) -> Row[Any]:
    """A user of the caller's teams, by email or id."""
    named = user.c.email == reference.lower()
    if (id := as_id(reference)) is not None:
        named = user.c.id == id
    theirs = membership.c.team_id.in_(session.principal.grants)
    statement = select(user, membership.c.team_id).join(membership).where(named, theirs)
    row = session.row(statement.order_by(membership.c.team_id).limit(1))
    if row is None:
        raise NotFound(f"no user {reference!r} in your teams; users.list() shows them", param="user")
    session.about(row.team_id)
    return row


def create(transaction: Writing, request: wire.UserCreate) -> wire.User:
    """A new user in one of the caller's teams. Somebody who works for other teams only is taken into this one."""
    team = teams.own(transaction, request.team, "user:create")
    email = request.email.lower()
    known = transaction.row(select(user).where(user.c.email == email))
    if known is not None and _role_in(transaction, known.id, team.id) is not None:
        raise Conflict(f"{email} is in the team already; users.update(...) changes the role", param="email")
    if known is not None and known.kind != request.kind:
        # Others hold the keys of a service account: taken for a person, it would lend them this person's role.
        raise Conflict(f"{email} is the address of a {known.kind} account; choose another", param="email")
    id = known.id if known is not None else transaction.new_id()
    if known is None:
        transaction.run(insert(user).values(id=id, email=email, name=request.name, kind=request.kind))
    _place(transaction, id, team, teams.grantable(transaction, request.role, team))
    return _view(transaction, id)


def change(transaction: Writing, request: wire.UserUpdate) -> wire.User:
    """Give a user of the caller's teams a role in one of them."""
    team = teams.own(transaction, request.team, "user:update")
    row = find(transaction, request.user)
    _leave(transaction, row, team, teams.grantable(transaction, request.role, team))
    return _view(transaction, row.id)


def remove(transaction: Writing, request: wire.MembershipReference) -> wire.User:
    """Take a user out of a team; what they logged there stays."""
    team = teams.own(transaction, request.team, "user:update")
    row = find(transaction, request.user)
    _leave(transaction, row, team, None)
    transaction.touch()
    return _view(transaction, row.id)


def found_person(transaction: Writing, email: str, name: str) -> Row[Any]:
    """A new person in no team, whom an identity provider vouches for."""
    id = transaction.new_id()
    transaction.run(insert(user).values(id=id, email=email, name=name, kind="person"))
    row = transaction.row(select(user).where(user.c.id == id))
    assert row is not None
    return row


def follow_groups(transaction: Writing, user_id: UUID, governed: Collection[str], roles: Mapping[str, str]) -> Changed:
    """Give a user these roles, by team, and none in the other governed teams: the operator lets groups decide there."""
    changed: Changed = {}
    for key in sorted(governed):
        team = transaction.row(select(access.team).where(access.team.c.key == key))
        role = teams.find_role(transaction, roles[key]) if key in roles else None
        if team is None:
            raise NotFound(f"no team {key!r}; TROPISM_OIDC_ROLES names one that is not there")
        held = _role_in(transaction, user_id, team.id)
        if (held.id if held is not None else None) == (role.id if role is not None else None):
            continue
        transaction.run(delete(membership).where(membership.c.user_id == user_id, membership.c.team_id == team.id))
        if role is not None:
            _place(transaction, user_id, team, role)
        transaction.touch()
        changed[key] = role.key if role is not None else None
    return changed


def deactivate(transaction: Writing, row: Row[Any]) -> wire.User:
    """Let a user's keys and sign-ins count no more. What they did stays, and so do their roles."""
    for held in transaction.rows(select(access.team).join(membership).where(membership.c.user_id == row.id)):
        _keep_someone_in_charge(transaction, row, held, None)
    now = milliseconds(transaction.now)
    transaction.run(update(user).where(user.c.id == row.id, IS_ACTIVE).values(deactivated_ms=now))
    transaction.touch()
    return _view(transaction, row.id)


def activate(transaction: Writing, row: Row[Any]) -> wire.User:
    """Let a deactivated user in again."""
    transaction.run(update(user).where(user.c.id == row.id).values(deactivated_ms=None))
    transaction.touch()
    return _view(transaction, row.id)


def _leave(transaction: Writing, row: Row[Any], team: Row[Any], for_role: Row[Any] | None) -> None:
    """Give up the role in a team, for another one or for none."""
    held = _role_in(transaction, row.id, team.id)
    if held is not None and not set(held.permissions) <= transaction.principal.grants[team.id]:
        raise Forbidden(f"{row.email} may do more in this team than you; only an equal can change that")
    _keep_someone_in_charge(transaction, row, team, for_role)
    transaction.run(delete(membership).where(membership.c.user_id == row.id, membership.c.team_id == team.id))
    if for_role is not None:
        _place(transaction, row.id, team, for_role)


def _place(transaction: Writing, user_id: UUID, team: Row[Any], role: Row[Any]) -> None:
    transaction.run(insert(membership).values(user_id=user_id, team_id=team.id, role_id=role.id))
    transaction.touch()


def _keep_someone_in_charge(session: Reading, leaving: Row[Any], team: Row[Any], role: Row[Any] | None) -> None:
    """A team in which nobody may give roles any more could never be repaired."""
    if role is not None and "user:update" in role.permissions:
        return
    others = select(access.role.c.permissions).join(membership, membership.c.role_id == access.role.c.id)
    others = others.join(user, membership.c.user_id == user.c.id).where(IS_ACTIVE)
    rows = session.rows(others.where(membership.c.team_id == team.id, membership.c.user_id != leaving.id))
    if not any("user:update" in row.permissions for row in rows):
        raise Conflict(
            f"{leaving.email} is the last who may give roles in team {team.key!r}; give somebody else one first"
        )


def _role_in(session: Reading, user_id: UUID, team_id: UUID) -> Row[Any] | None:
    held = select(access.role).join(membership, membership.c.role_id == access.role.c.id)
    return session.row(held.where(membership.c.user_id == user_id, membership.c.team_id == team_id))


def _view(session: Reading, id: UUID) -> wire.User:
    row = session.row(select(user).where(user.c.id == id))
    assert row is not None
    return _shown(row, _memberships(session, [id]))


def _memberships(session: Reading, users: Collection[UUID]) -> Mapping[UUID, list[wire.Membership]]:
    """The roles of these users in the teams that the caller is in."""
    rows = session.rows(
        select(membership.c.user_id, access.team.c.key.label("team"), access.role.c.key.label("role"))
        .select_from(membership.join(access.team).join(access.role))
        .where(membership.c.user_id.in_(users), membership.c.team_id.in_(session.principal.grants))
        .order_by(access.team.c.id)
    )
    found: dict[UUID, list[wire.Membership]] = defaultdict(list)
    for row in rows:
        found[row.user_id].append(wire.Membership(team=row.team, role=row.role))
    return found


def _shown(row: Row[Any], held: Mapping[UUID, list[wire.Membership]]) -> wire.User:
    return wire.User(
        id=row.id,
        email=row.email,
        name=row.name,
        kind=row.kind,
        active=row.deactivated_ms is None,
        created_at=time_of(row.id),
        teams=held.get(row.id, []),
    )
