"""Jobs, their logs, and the number by which processes hear of each other's changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("team_id", Id(length=16), nullable=False),
        sa.Column("use_case_id", Id(length=16), nullable=True),
        sa.Column("user_id", Id(length=16), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("capability", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("request", Json(), nullable=False),
        sa.Column("stages", Json(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("result", Json(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("heartbeat_ms", sa.BigInteger(), nullable=True),
        sa.Column("progress_ms", sa.BigInteger(), nullable=True),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_job_team_id_team")),
        sa.ForeignKeyConstraint(["use_case_id"], ["use_case.id"], name=op.f("fk_job_use_case_id_use_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_status", "job", ["status", "pool", "id"])
    op.create_index("ix_job_use_case", "job", ["use_case_id", "kind", "id"])
    op.create_table(
        "job_log",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_log_job_id_job")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_log")),
        sqlite_with_rowid=False,
    )
    version = op.create_table("snapshot_version", sa.Column("number", sa.Integer(), nullable=False))
    op.bulk_insert(version, [{"number": 0}])
