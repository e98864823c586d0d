"""Attempts to sign in, counted for all processes together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_account", "sign_in_attempt", ["account", "id"])
    op.create_index("ix_sign_in_attempt_address", "sign_in_attempt", ["address", "id"])
