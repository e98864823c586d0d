"""Answers to writes that came with an idempotency key, kept for a day so that a repeated call gets the same one."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table

from tropism.server.database.types import Id
from tropism.server.tables.metadata import metadata

replay = Table(
    "replay",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of the caller, the route and the idempotency key
    Column("request", LargeBinary(32), nullable=False),  # of the request: the same key for another one is a mistake
    Column("id", Id, nullable=False, index=True),  # carries the time, for cleaning up
    Column("answer", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
