"""Prices and costs; fallbacks, and whom they answered for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("model") as batch_op:
        batch_op.add_column(sa.Column("prices", Json(), nullable=True))
    with op.batch_alter_table("attachment") as batch_op:
        batch_op.add_column(sa.Column("fallbacks", Json(), nullable=True))
    with op.batch_alter_table("interaction") as batch_op:
        batch_op.add_column(sa.Column("assigned_model_id", Id(length=16), nullable=True))
        batch_op.add_column(sa.Column("cost_usd", sa.Float(), nullable=True))
    with op.batch_alter_table("ab_test") as batch_op:
        batch_op.add_column(sa.Column("shadow_cost_usd", sa.Float(), nullable=True))
    with op.batch_alter_table("ab_variant") as batch_op:
        batch_op.add_column(sa.Column("fallbacks", sa.BigInteger(), server_default="0", nullable=False))
