"""Retention, redaction, deletions, and which master key an api key was hashed with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("pepper", sa.LargeBinary(length=4), nullable=True))
    op.add_column("use_case", sa.Column("retention_days", sa.Integer(), nullable=True))
    op.add_column("use_case", sa.Column("redact", Json(), nullable=True))
    op.create_table(
        "interaction_deletion",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("request", Json(), nullable=False),
        sa.Column("stand_in", Id(length=16), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interaction_deletion")),
    )
    op.create_index("ix_evaluation_answer_completion", "evaluation_answer", ["completion_id"])
    op.create_index("ix_evaluation_sample_source", "evaluation_sample", ["source_id"])
