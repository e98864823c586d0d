"""Datasets: their rows, their files, uploads, and the drafts of generated ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "dataset_file",
        sa.Column("id", Id(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_file"),
    )
    _create_dataset()
    _create_upload()
    op.create_table(
        "dataset_draft",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lines", Json(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "number", name="pk_dataset_draft"),
        sqlite_with_rowid=False,
    )


def _create_dataset() -> None:
    op.create_table(
        "dataset",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("feedbacks", Json(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("config", Json()),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.ForeignKeyConstraint(["id"], ["dataset_file.id"], name="fk_dataset_id"),
        sa.ForeignKeyConstraint(["use_case_id"], ["use_case.id"], name="fk_dataset_use_case_id"),
        sa.UniqueConstraint("use_case_id", "key", name="uq_dataset_use_case_id_key"),
    )


def _create_upload() -> None:
    op.create_table(
        "dataset_upload",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("use_case_id", Id(length=16), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("dataset_id", Id(length=16)),
        sa.Column("refusal", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_upload"),
        sa.ForeignKeyConstraint(["use_case_id"], ["use_case.id"], name="fk_dataset_upload_use_case_id"),
    )
