"""Teams, users, their roles, and api keys."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

team = Table(
    "team",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
)
user = Table(
    "user",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="person"),
    Column("deactivated_ms", BigInteger),
)
role = Table(
    "role",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("permissions", Json, nullable=False),
    Column("team_id", Id),  # where it was made
)
membership = Table(
    "membership",
    metadata,
    Column("user_id", Id, ForeignKey("user.id"), nullable=False),
    Column("team_id", Id, ForeignKey("team.id"), nullable=False),
    Column("role_id", Id, ForeignKey("role.id"), nullable=False),
    PrimaryKeyConstraint("user_id", "team_id"),
)
api_key = Table(
    "api_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("user.id"), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False, server_default="first key"),
    Column("use_cases", Json),  # ids, if the key is narrowed to some
    Column("permissions", Json),  # if the key is narrowed to some
    Column("expires_ms", BigInteger),
    Column("last_used_ms", BigInteger),
    Column("pepper", LargeBinary(4)),  # the fingerprint of the master key that the digest was made with
)
