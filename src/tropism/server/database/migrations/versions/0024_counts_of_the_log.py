"""How many interactions the log holds, hour by hour; and indexes that find what a filter asks for in order of time."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0024"
down_revision = "0023"
NOBODY = UUID(int=0)
PLACE = ("use_case_id", "hour", "model_id", "source")


def upgrade() -> None:
    op.create_index("ix_interaction_source", "interaction", ["use_case_id", "source", "id"])
    key = ["use_case_id", "feedback_key_id"]
    op.create_index("ix_feedback_completion", "feedback", [*key, "completion_id", "value"])
    op.create_index("ix_comparison_key_preferred", "comparison", [*key, "preferred_id"])
    op.create_index("ix_comparison_key_other", "comparison", [*key, "other_id"])
    op.drop_index("ix_comparison_key", "comparison")
    op.create_table(
        "interaction_count",
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("model_id", Id(length=16), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*PLACE, name=op.f("pk_interaction_count")),
        sqlite_with_rowid=False,
    )
    if numbers := _counted():
        columns = [sa.column(name, Id() if name.endswith("_id") else None) for name in PLACE]
        table = sa.table("interaction_count", *columns, sa.column("number"))
        rows = [dict(zip((*PLACE, "number"), (*key, number), strict=True)) for key, number in numbers.items()]
        op.bulk_insert(table, rows)


def _counted() -> Counter[tuple[object, ...]]:
    ids = [sa.column(name, Id()) for name in ("id", "use_case_id", "model_id")]
    log = sa.table("interaction", *ids, sa.column("source"))
    rows = op.get_bind().execute(sa.select(log), execution_options={"yield_per": 1_000})
    return Counter(
        (row.use_case_id, (row.id.int >> 80) // 3_600_000, row.model_id or NOBODY, row.source) for row in rows
    )
