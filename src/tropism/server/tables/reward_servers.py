"""Reward servers: where they are, and whose."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table

from tropism.server.database.types import Id
from tropism.server.tables.metadata import metadata

reward_server = Table(
    "reward_server",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("description", String),
    Column("url", String, nullable=False),
    Column("team_id", Id, ForeignKey("team.id"), nullable=False),
)
