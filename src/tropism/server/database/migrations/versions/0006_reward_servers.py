"""Reward servers: where they are, and whose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "reward_server",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("team_id", Id(length=16), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_reward_server_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_server")),
        sa.UniqueConstraint("key", name=op.f("uq_reward_server_key")),
    )
