"""Answers that a use case gives again to the same question."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table

from tropism.server.database.types import Id
from tropism.server.tables.metadata import metadata

cached_answer = Table(
    "cached_answer",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # of all that can change the answer
    Column("use_case_id", Id, nullable=False),
    Column("interaction_id", Id, nullable=False),  # what was said is in the log; the id tells when
)
Index("ix_cached_answer_use_case", cached_answer.c.use_case_id, cached_answer.c.interaction_id)
Index("ix_cached_answer_interaction", cached_answer.c.interaction_id)
