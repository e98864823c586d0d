"""What was spent by day, which key asked for an answer, and where a model's prices are from."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0011"
down_revision = "0010"
NOBODY = UUID(int=0)
FIGURES = ("prompt_tokens", "completion_tokens", "cost_usd")
Sums = defaultdict[tuple[Any, ...], list[float]]


def upgrade() -> None:
    op.add_column("model", sa.Column("prices_source", sa.String(), nullable=True))
    op.add_column("interaction", sa.Column("api_key_id", Id(length=16), nullable=True))
    for table, *names in (
        ("spending", "use_case_id", "day", "model_id", "api_key_id"),
        ("user_spending", "use_case_id", "day", "user_id"),
    ):
        op.create_table(
            table,
            *(sa.Column(name, sa.Integer() if name == "day" else Id(length=16), nullable=False) for name in names),
            sa.Column("requests", sa.BigInteger(), nullable=False),
            sa.Column("unpriced", sa.BigInteger(), nullable=False),
            sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
            sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
            sa.Column("cost_usd", sa.Float(), nullable=False),
            sa.PrimaryKeyConstraint(*names, name=op.f(f"pk_{table}")),
            sqlite_with_rowid=False,
        )
    _count_what_is_there()


def _count_what_is_there() -> None:
    """The answers of earlier releases, once, from the log. Whose key it was is not known of them."""
    names = ("id", "use_case_id", "model_id", "user_id")
    log = sa.table("interaction", *(sa.column(name, Id()) for name in names), *map(sa.column, (*FIGURES, "source")))
    answers = sa.select(log).where(log.c.source.in_(("LIVE", "AUTOMATION", "EVALUATION")))
    by_key: Sums = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    by_user: Sums = defaultdict(lambda: [0, 0, 0, 0, 0.0])
    connection = op.get_bind()
    for row in connection.execute(answers, execution_options={"yield_per": 1_000}):
        day = (row.id.int >> 80) // 86_400_000
        _add(by_key[(row.use_case_id, day, row.model_id or NOBODY, NOBODY)], row)
        _add(by_user[(row.use_case_id, day, row.user_id or NOBODY)], row)
    _insert("spending", ("use_case_id", "day", "model_id", "api_key_id"), by_key)
    _insert("user_spending", ("use_case_id", "day", "user_id"), by_user)


def _add(sums: list[float], row: Any) -> None:
    sums[0] += 1
    sums[1] += row.cost_usd is None
    for place, name in enumerate(FIGURES, start=2):
        sums[place] += getattr(row, name) or 0


def _insert(name: str, key: tuple[str, ...], sums: Sums) -> None:
    columns = [sa.column(each, None if each == "day" else Id()) for each in key]
    table = sa.table(name, *columns, *map(sa.column, ("requests", "unpriced", *FIGURES)))
    rows = [(*place, *values) for place, values in sums.items()]
    if rows:
        op.bulk_insert(table, [dict(zip(table.c.keys(), row, strict=True)) for row in rows])
