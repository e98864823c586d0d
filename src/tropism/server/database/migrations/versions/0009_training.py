"""Training: what was asked for, what the trainer said, and which models came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("model") as batch:
        batch.add_column(sa.Column("adapter_path", sa.String(), nullable=True))
        batch.add_column(sa.Column("training_job_id", Id(length=16), nullable=True))
    op.create_table(
        "training",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("model_id", Id(length=16), nullable=False),
        sa.Column("child_id", Id(length=16), nullable=True),
        sa.Column("output_key", sa.String(), nullable=False),
        sa.Column("dataset_id", Id(length=16), nullable=True),
        sa.Column("request", Json(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=True),
        sa.Column("events_read", Json(), nullable=False),
        sa.Column("progress", Json(), nullable=True),
        sa.Column("checkpoints", Json(), nullable=False),
        sa.Column("outcome", Json(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_training_job_id")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_training_model_id")),
        sa.ForeignKeyConstraint(["use_case_id"], ["use_case.id"], name=op.f("fk_training_use_case_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_training")),
    )
    op.create_index("ix_training_use_case", "training", ["use_case_id", "job_id"], unique=False)
    op.create_index("ix_training_child", "training", ["child_id"], unique=False)
    op.create_table(
        "training_point",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("figures", Json(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["training.job_id"], name=op.f("fk_training_point_job_id")),
        sa.PrimaryKeyConstraint("job_id", "kind", "part", "step", name=op.f("pk_training_point")),
        sqlite_with_rowid=False,
    )
