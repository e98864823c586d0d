"""Limits, and what each process was lent and has used of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, PrimaryKeyConstraint, Table, UniqueConstraint

from tropism.server.database.types import Id, Text
from tropism.server.tables.metadata import metadata

usage_limit = Table(
    "usage_limit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),  # api_key, user or use_case
    Column("subject_id", Id, nullable=False),
    Column("measure", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),  # requests, tokens, or billionths of a US dollar
    UniqueConstraint("subject_id", "measure", "period"),
)
usage_lease = Table(
    "usage_lease",
    metadata,
    Column("limit_id", Id, ForeignKey("usage_limit.id"), nullable=False),
    Column("begins_ms", BigInteger, nullable=False),  # when the minute, day or month began
    Column("process_id", Id, nullable=False),
    Column("lent", BigInteger, nullable=False),  # what the process may use, until then without asking again
    Column("until_ms", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),  # by answers that are in the log
    PrimaryKeyConstraint("limit_id", "begins_ms", "process_id"),
)
