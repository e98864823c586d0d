"""Limits, and what was lent and used of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "usage_limit",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", Id(length=16), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_limit")),
        sa.UniqueConstraint("subject_id", "measure", "period", name=op.f("uq_usage_limit_subject_id_measure_period")),
    )
    op.create_table(
        "usage_lease",
        sa.Column("limit_id", Id(length=16), nullable=False),
        sa.Column("begins_ms", sa.BigInteger(), nullable=False),
        sa.Column("process_id", Id(length=16), nullable=False),
        sa.Column("lent", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["limit_id"], ["usage_limit.id"], name=op.f("fk_usage_lease_limit_id_usage_limit")),
        sa.PrimaryKeyConstraint("limit_id", "begins_ms", "process_id", name=op.f("pk_usage_lease")),
    )
