"""Use cases, and what is linked to them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

use_case = Table(
    "use_case",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("team_id", Id, ForeignKey("team.id"), nullable=False),
    Column("retention_days", Integer),  # interactions that are older are deleted; null: none is
    Column("redact", Json),  # what is blotted out before an interaction is stored
    Column("cache_seconds", Integer),  # for how long answers are given again; null: they never are
    Column("cache_answers", Integer),  # how many of them at most
)
use_case_share = Table(
    "use_case_share",
    metadata,
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("team_id", Id, ForeignKey("team.id"), nullable=False),
    Column("role_id", Id, ForeignKey("role.id"), nullable=False),
    PrimaryKeyConstraint("use_case_id", "team_id"),
)
linked_feedback_key = Table(
    "linked_feedback_key",
    metadata,
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("feedback_key_id", Id, ForeignKey("feedback_key.id"), nullable=False),
    PrimaryKeyConstraint("use_case_id", "feedback_key_id"),
)
