"""Whose things an entry of the audit log is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("audit", sa.Column("team_id", Id(length=16), nullable=True))
