"""Which engines may go on with the schema. Those from before look for no such row, and refuse to start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
is_breaking = True


def upgrade() -> None:
    op.create_table("oldest_engine", sa.Column("revision", sa.String(), nullable=False))
