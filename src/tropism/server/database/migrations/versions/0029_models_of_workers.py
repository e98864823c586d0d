"""Workers that answer for models: where they are asked, what they have, and how busy they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0029"
down_revision = "0028"
is_breaking = False


def upgrade() -> None:
    op.add_column("worker", sa.Column("address", sa.String(), nullable=True))
    op.add_column("worker", sa.Column("running_requests", sa.Integer(), nullable=True))
    op.add_column("worker", sa.Column("waiting_requests", sa.Integer(), nullable=True))
    op.create_table(
        "worker_model",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("model_id", Id(), nullable=False),
        sa.Column("online", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("worker", "model_id"),
    )
