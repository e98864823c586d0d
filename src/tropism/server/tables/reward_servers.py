"""Reward servers: where they are, and whose."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from tropism.server.database.types import Id, Text
from tropism.server.tables.metadata import metadata

reward_server = Table(
    "reward_server",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("url", Text, nullable=False),
    Column("team_id", Id, ForeignKey("team.id"), nullable=False),
)
