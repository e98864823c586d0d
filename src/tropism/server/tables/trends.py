"""What each hour's answers of a model were like: sums that are counted up with every answer and every value."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Text
from tropism.server.tables.metadata import metadata

trend = Table(
    "trend",
    metadata,
    Column("use_case_id", Id, nullable=False),
    Column("metric", Text, nullable=False),  # "latency_ms", "first_token_ms", or the id of a feedback key
    Column("hour", Integer, nullable=False),  # since 1970, in UTC, of the answer
    Column("model_id", Id, nullable=False),  # the nil id where none was named
    Column("number", BigInteger, nullable=False),
    Column("total", Float, nullable=False),
    Column("squares", Float, nullable=False),
    Column("cubes", Float, nullable=False),
    PrimaryKeyConstraint("use_case_id", "metric", "hour", "model_id"),
    sqlite_with_rowid=False,
)
