"""More users than a fresh server has. There is no call for that yet, so their rows are written while it is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, insert, select

from tropism.server.clock import Clock
from tropism.server.database.engines import engines
from tropism.server.identity.secrets import Secrets, master_key, new_api_key
from tropism.server.tables import access
from tropism.testing.database import database_of


def join(data: Path, roles: Mapping[str, str]) -> str:
    """The api key of a new user with these roles, by team; teams that are not there are made."""
    key = new_api_key()
    writing, reading = engines(database_of(data))
    with writing.begin() as connection:
        _join(connection, data, roles, key)
    writing.dispose()
    reading.dispose()
    return key


def _join(connection: Connection, data: Path, roles: Mapping[str, str], key: str) -> None:
    new_id = Clock().new_id
    user, secrets = new_id(), Secrets(master_key(None, data / "secret.key"))
    connection.execute(insert(access.user).values(id=user, email=f"{user}@localhost", name="Stranger"))
    digest = secrets.digest(key)
    connection.execute(insert(access.api_key).values(id=new_id(), user_id=user, prefix=key[:6], digest=digest))
    for team_key, role_key in roles.items():
        team = connection.scalar(select(access.team.c.id).where(access.team.c.key == team_key))
        if team is None:
            team = new_id()
            connection.execute(insert(access.team).values(id=team, key=team_key, name=team_key))
        role = connection.scalar(select(access.role.c.id).where(access.role.c.key == role_key))
        connection.execute(insert(access.membership).values(user_id=user, team_id=team, role_id=role))
