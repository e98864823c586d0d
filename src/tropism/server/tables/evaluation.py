"""Evaluations: what was selected, the answers with their verdicts, and every question to the judge that was paid."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

evaluation = Table(
    "evaluation",
    metadata,
    Column("job_id", Id, ForeignKey("job.id"), primary_key=True),
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("judge_model_id", Id, ForeignKey("model.id"), nullable=False),
    Column("feedback_key_id", Id, ForeignKey("feedback_key.id"), nullable=False),
    Column("model_ids", Json, nullable=False),  # in the order given; a place in this list is a `position`
    Column("dataset_id", Id),  # not a foreign key: what was evaluated may be deleted later
    Column("replays", Boolean, nullable=False),  # whether the models answer anew
    Column("request", Json, nullable=False),  # as it was given
    Column("estimate", Json, nullable=False),
    Column("selected", Boolean, nullable=False),  # whether all samples are there; until then they are chosen anew
)
Index("ix_evaluation_use_case", evaluation.c.use_case_id, evaluation.c.job_id)

evaluation_sample = Table(
    "evaluation_sample",
    metadata,
    Column("job_id", Id, ForeignKey("evaluation.job_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("source_id", Id, nullable=False),  # the logged interaction whose prompt is asked anew
    PrimaryKeyConstraint("job_id", "number"),
    sqlite_with_rowid=False,
)
Index("ix_evaluation_sample_source", evaluation_sample.c.source_id)

evaluation_answer = Table(
    "evaluation_answer",
    metadata,
    Column("job_id", Id, ForeignKey("evaluation.job_id"), nullable=False),
    Column("number", Integer, nullable=False),  # of the sample: of a dataset the line, else its place in the selection
    Column("position", Integer, nullable=False),  # of the model in `model_ids`; 0 where answers are judged as they are
    Column("model_id", Id),
    Column("completion_id", Id),  # null where no answer could be got
    Column("pair", LargeBinary(16), nullable=False),  # answers of several models with the same one are compared
    Column("status", Text, nullable=False),  # pending, scored, abstained, failed
    Column("score", Float),
    Column("reason", Text),
    Column("parts", Json),
    PrimaryKeyConstraint("job_id", "number", "position"),
    sqlite_with_rowid=False,
)
Index("ix_evaluation_answer_completion", evaluation_answer.c.completion_id)
Index("ix_evaluation_answer_status", evaluation_answer.c.job_id, evaluation_answer.c.status, evaluation_answer.c.number)

evaluation_call = Table(
    "evaluation_call",
    metadata,
    Column("job_id", Id, ForeignKey("evaluation.job_id"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # of all that the engine is asked
    Column("text", Text, nullable=False),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cost_usd", Float),
    PrimaryKeyConstraint("job_id", "digest"),
    sqlite_with_rowid=False,
)
