"""Trainings: what was asked for, what the trainer said while it worked, and what came out."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

training = Table(
    "training",
    metadata,
    Column("job_id", Id, ForeignKey("job.id"), primary_key=True),
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("model_id", Id, ForeignKey("model.id"), nullable=False),  # the parent
    Column("child_id", Id),  # the model that was registered in the end
    Column("output_key", Text, nullable=False),
    Column("dataset_id", Id),  # not a foreign key: what was learnt from may be deleted later
    Column("request", Json, nullable=False),  # as it was given
    Column("samples", Integer),  # how many there are in the job's folder; null until all are
    Column("events_read", Json, nullable=False),  # of each part, how many bytes of its events are stored here
    Column("progress", Json),  # the newest step
    Column("checkpoints", Json, nullable=False),
    Column("outcome", Json),
)
Index("ix_training_use_case", training.c.use_case_id, training.c.job_id)
Index("ix_training_child", training.c.child_id)

training_point = Table(
    "training_point",
    metadata,
    Column("job_id", Id, ForeignKey("training.job_id"), nullable=False),
    Column("kind", Text, nullable=False),  # step or validation
    Column("part", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("figures", Json, nullable=False),  # the rest of the trainer's event
    PrimaryKeyConstraint("job_id", "kind", "part", "step"),
    sqlite_with_rowid=False,
)
