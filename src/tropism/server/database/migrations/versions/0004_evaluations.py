"""Evaluations: what was selected, the answers with their verdicts, the judge's paid calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "evaluation",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("judge_model_id", Id(length=16), nullable=False),
        sa.Column("feedback_key_id", Id(length=16), nullable=False),
        sa.Column("model_ids", Json(), nullable=False),
        sa.Column("dataset_id", Id(length=16), nullable=True),
        sa.Column("replays", sa.Boolean(), nullable=False),
        sa.Column("request", Json(), nullable=False),
        sa.Column("estimate", Json(), nullable=False),
        sa.Column("selected", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["feedback_key_id"], ["feedback_key.id"], name=op.f("fk_evaluation_feedback_key_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_evaluation_job_id")),
        sa.ForeignKeyConstraint(["judge_model_id"], ["model.id"], name=op.f("fk_evaluation_judge_model_id")),
        sa.ForeignKeyConstraint(["use_case_id"], ["use_case.id"], name=op.f("fk_evaluation_use_case_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_evaluation")),
    )
    op.create_index("ix_evaluation_use_case", "evaluation", ["use_case_id", "job_id"], unique=False)
    op.create_table(
        "evaluation_sample",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source_id", Id(length=16), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["evaluation.job_id"], name=op.f("fk_evaluation_sample_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_evaluation_sample")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "evaluation_answer",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("model_id", Id(length=16), nullable=True),
        sa.Column("completion_id", Id(length=16), nullable=True),
        sa.Column("pair", sa.LargeBinary(length=16), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("parts", Json(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["evaluation.job_id"], name=op.f("fk_evaluation_answer_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", "position", name=op.f("pk_evaluation_answer")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_evaluation_answer_status", "evaluation_answer", ["job_id", "status", "number"], unique=False)
    op.create_table(
        "evaluation_call",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["evaluation.job_id"], name=op.f("fk_evaluation_call_job_id")),
        sa.PrimaryKeyConstraint("job_id", "digest", name=op.f("pk_evaluation_call")),
        sqlite_with_rowid=False,
    )
