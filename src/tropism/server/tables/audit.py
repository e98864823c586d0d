"""The audit log: appended to, never changed; each row's digest covers the row before it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("email", Text, nullable=False),
    Column("api_key", Text),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("request", Json, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("team_id", Id),  # whose things were changed; none for one's own account, and for what all teams share
)
Index("ix_audit_user", audit.c.user_id, audit.c.number)
