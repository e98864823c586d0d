"""Users, teams and keys: what a fresh engine has, and who is calling."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import insert, select

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access.roles import ROLES
from tropism.server.principal import SYSTEM, Principal
from tropism.server.secrets import Secrets
from tropism.server.tables import access
from tropism.wire.access import Membership, Permissions, User
from tropism.wire.page import Nothing
from tropism.wire.permissions import PERMISSIONS


def is_fresh(session: Reading) -> bool:
    """Whether nobody was ever here."""
    return session.row(select(access.user.c.id).limit(1)) is None


def found(transaction: Writing, secrets: Secrets, admin_key: str) -> None:
    """Give a fresh engine its first team, its roles, and an admin with a key."""
    team_id, user_id = transaction.new_id(), transaction.new_id()
    roles = {key: transaction.new_id() for key in ROLES}
    transaction.run(insert(access.team).values(id=team_id, key="default", name="Default"))
    transaction.run(insert(access.user).values(id=user_id, email="admin@localhost", name="Admin"))
    for role, permissions in ROLES.items():
        row = {"id": roles[role], "key": role, "name": role.capitalize(), "permissions": permissions}
        transaction.run(insert(access.role).values(**row))
    transaction.run(insert(access.membership).values(user_id=user_id, team_id=team_id, role_id=roles["admin"]))
    key = {"id": transaction.new_id(), "user_id": user_id, "prefix": admin_key[:6]}
    transaction.run(insert(access.api_key).values(**key, digest=secrets.digest(admin_key)))
    transaction.touch()


def keep_built_in_roles(transaction: Writing) -> None:
    """A new release may bring new permissions: the built-in roles get them."""
    for key, permissions in ROLES.items():
        transaction.run(access.role.update().where(access.role.c.key == key).values(permissions=permissions))
    transaction.touch()


def principal(session: Reading, user_id: UUID) -> Principal:
    """Who a user is and what they may do where, for work that goes on after their call has ended."""
    if user_id == SYSTEM.user_id:
        return SYSTEM
    held = select(access.membership.c.team_id, access.role.c.permissions).join(access.role)
    rows = session.rows(held.where(access.membership.c.user_id == user_id))
    return Principal(user_id, {row.team_id: frozenset(row.permissions) for row in rows})


def me(session: Reading, _: Nothing) -> User:
    """The user behind the key of this call."""
    row = session.row(select(access.user).where(access.user.c.id == session.principal.user_id))
    assert row is not None, "a principal is made from a user's row"
    memberships = session.rows(
        select(access.team.c.key.label("team"), access.role.c.key.label("role"))
        .select_from(access.membership.join(access.team).join(access.role))
        .where(access.membership.c.user_id == row.id)
    )
    teams = [Membership(team=each.team, role=each.role) for each in memberships]
    return User(id=row.id, email=row.email, name=row.name, created_at=time_of(row.id), teams=teams)


def permissions(session: Reading, _: Nothing) -> Permissions:
    """Every permission there is."""
    return Permissions(permissions=list(PERMISSIONS))
