"""What was spent, by day: counted up with each answer, never read off the log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id
from tropism.server.tables.metadata import metadata


def _sums() -> list[Column[int] | Column[float]]:
    return [
        Column("requests", BigInteger, nullable=False),
        Column("unpriced", BigInteger, nullable=False),  # those of the requests whose cost is not known
        Column("prompt_tokens", BigInteger, nullable=False),
        Column("completion_tokens", BigInteger, nullable=False),
        Column("cost_usd", Float, nullable=False),
    ]


spending = Table(
    "spending",
    metadata,
    Column("use_case_id", Id, nullable=False),
    Column("day", Integer, nullable=False),  # since 1970, in UTC
    Column("model_id", Id, nullable=False),
    Column("api_key_id", Id, nullable=False),  # the nil id where no key called, such as for a shadow answer
    *_sums(),
    PrimaryKeyConstraint("use_case_id", "day", "model_id", "api_key_id"),
    sqlite_with_rowid=False,
)
user_spending = Table(
    "user_spending",
    metadata,
    Column("use_case_id", Id, nullable=False),
    Column("day", Integer, nullable=False),
    Column("user_id", Id, nullable=False),  # the nil id where none was named, and for those who were forgotten
    *_sums(),
    PrimaryKeyConstraint("use_case_id", "day", "user_id"),
    sqlite_with_rowid=False,
)
