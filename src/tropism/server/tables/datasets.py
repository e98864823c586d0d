"""Datasets, the files that hold their lines, and uploads that may become one."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

dataset_file = Table(
    "dataset_file",  # written before the file is and removed after it is: no file is left that no row knows
    metadata,
    Column("id", Id, primary_key=True),
)
dataset = Table(
    "dataset",
    metadata,
    Column("id", Id, ForeignKey("dataset_file.id"), primary_key=True),
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # as a download has them, not compressed
    Column("feedbacks", Json, nullable=False),  # the lines that have feedback, by key
    Column("source", Text, nullable=False),
    Column("config", Json),
    UniqueConstraint("use_case_id", "key"),
)
dataset_upload = Table(
    "dataset_upload",
    metadata,
    Column("id", Id, primary_key=True),
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("dataset_id", Id),  # what it became
    Column("refusal", Text),  # or why it became nothing
)
dataset_draft = Table(
    "dataset_draft",  # lines that a job made so far: kept, for they were paid for
    metadata,
    Column("job_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("lines", Json, nullable=False),
    PrimaryKeyConstraint("job_id", "number"),
    sqlite_with_rowid=False,
)
