"""Users, teams and keys: what a fresh engine has, and who is calling."""

from __future__ import annotations

from sqlalchemy import insert, select

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access.keys import SHOWN
from tropism.server.domains.access.roles import ROLES
from tropism.server.identity.secrets import Secrets
from tropism.server.tables import access
from tropism.wire.access import Permissions
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
    transaction.run(insert(access.user).values(id=user_id, email="admin@localhost", name="Admin", kind="person"))
    for role, permissions in ROLES.items():
        row = {"id": roles[role], "key": role, "name": role.capitalize(), "permissions": permissions}
        transaction.run(insert(access.role).values(**row))
    transaction.run(insert(access.membership).values(user_id=user_id, team_id=team_id, role_id=roles["admin"]))
    key = {"id": transaction.new_id(), "user_id": user_id, "prefix": admin_key[:SHOWN], "name": "first key"}
    transaction.run(insert(access.api_key).values(**key, digest=secrets.digest(admin_key), pepper=secrets.fingerprint))
    transaction.touch()


def keep_built_in_roles(transaction: Writing) -> None:
    """A new release may bring new permissions: the built-in roles get them."""
    for key, permissions in ROLES.items():
        transaction.run(access.role.update().where(access.role.c.key == key).values(permissions=permissions))
    transaction.touch()


def permissions(session: Reading, _: Nothing) -> Permissions:
    """Every permission there is."""
    return Permissions(permissions=list(PERMISSIONS))
