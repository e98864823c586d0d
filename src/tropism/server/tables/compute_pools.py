"""The workers of compute pools. A pool is there as long as a worker is remembered that was in it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

worker = Table(
    "worker",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # the same after a restart: what it held is its again
    Column("pool", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("capabilities", Json, nullable=False),
    Column("devices", Json, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),  # 0 once it has left
)
Index("ix_worker_pool", worker.c.pool)
