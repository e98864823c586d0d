"""The workers of compute pools, and the models that they have. A pool is there as long as a worker is remembered."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table

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
    Column("seen_ms", BigInteger, nullable=False),  # 0 once it has left, or was found to be gone
    Column("address", Text),  # of one that answers for models: where engines ask it
    Column("running_requests", Integer),  # at its last sign of life
    Column("waiting_requests", Integer),
)
Index("ix_worker_pool", worker.c.pool)
worker_model = Table(
    "worker_model",
    metadata,
    Column("worker", Text, nullable=False),  # its name
    Column("model_id", Id, nullable=False),  # a model that it runs, or an adapter on top of one
    Column("online", Text, nullable=False),
    Column("error", Text),
    PrimaryKeyConstraint("worker", "model_id"),
)
