"""Tools, calls of them, and metadata beside what was said; tokens from caches and of reasoning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Json

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    with op.batch_alter_table("interaction") as batch_op:
        batch_op.add_column(sa.Column("cached_tokens", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("reasoning_tokens", sa.Integer(), nullable=True))
    with op.batch_alter_table("interaction_body") as batch_op:
        batch_op.add_column(sa.Column("tools", Json(), nullable=True))
        batch_op.add_column(sa.Column("tool_calls", Json(), nullable=True))
        batch_op.add_column(sa.Column("metadata", Json(), nullable=True))
