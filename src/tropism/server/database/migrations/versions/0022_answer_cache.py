"""Answers that are given again: for how long and how many, which they are, and which interactions got one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("use_case", sa.Column("cache_seconds", sa.Integer(), nullable=True))
    op.add_column("use_case", sa.Column("cache_answers", sa.Integer(), nullable=True))
    op.add_column("attachment", sa.Column("since", Id(), nullable=True))
    op.add_column("interaction", sa.Column("cached_from", Id(), nullable=True))
    op.create_table(
        "cached_answer",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("use_case_id", Id(), nullable=False),
        sa.Column("interaction_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_cached_answer_use_case", "cached_answer", ["use_case_id", "interaction_id"])
    op.create_index("ix_cached_answer_interaction", "cached_answer", ["interaction_id"])
