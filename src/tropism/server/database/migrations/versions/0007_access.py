"""Service accounts, keys with names, limits and ends, and use cases that teams share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("user", sa.Column("kind", sa.String(), nullable=False, server_default="person"))
    op.add_column("api_key", sa.Column("name", sa.String(), nullable=False, server_default="first key"))
    op.add_column("api_key", sa.Column("use_cases", Json(), nullable=True))
    op.add_column("api_key", sa.Column("permissions", Json(), nullable=True))
    op.add_column("api_key", sa.Column("expires_ms", sa.BigInteger(), nullable=True))
    op.add_column("api_key", sa.Column("last_used_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "use_case_share",
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("team_id", Id(length=16), nullable=False),
        sa.Column("role_id", Id(length=16), nullable=False),
        sa.ForeignKeyConstraint(["use_case_id"], ["use_case.id"], name=op.f("fk_use_case_share_use_case_id_use_case")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_use_case_share_team_id_team")),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_use_case_share_role_id_role")),
        sa.PrimaryKeyConstraint("use_case_id", "team_id", name=op.f("pk_use_case_share")),
    )
