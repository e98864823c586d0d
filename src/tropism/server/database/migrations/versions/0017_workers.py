"""The workers of compute pools, and which of them has a job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("id", Id(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("capabilities", Json(), nullable=False),
        sa.Column("devices", Json(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("ix_worker_pool", "worker", ["pool"])
    op.add_column("job", sa.Column("worker", sa.String(), nullable=True))
