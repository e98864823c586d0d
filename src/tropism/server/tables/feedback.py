"""Feedback keys, metric values and preferences. The model and A/B test of a completion are copied onto its feedback."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Table, UniqueConstraint

from tropism.server.database.types import Id, Text
from tropism.server.tables.metadata import metadata

feedback_key = Table(
    "feedback_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("kind", Text, nullable=False),
    Column("scoring_type", Text, nullable=False),
)
feedback = Table(
    "feedback",
    metadata,
    Column("id", Id, primary_key=True),
    Column("use_case_id", Id, nullable=False),
    Column("feedback_key_id", Id, ForeignKey("feedback_key.id"), nullable=False),
    Column("completion_id", Id, ForeignKey("interaction.id"), nullable=False),
    Column("user_id", Id, nullable=False),  # the nil id stands for nobody named, so that uniqueness covers it
    Column("model_id", Id),
    Column("ab_test_id", Id),
    Column("value", Float, nullable=False),
    Column("details", Text),
    Column("reason", Text),
    UniqueConstraint("completion_id", "feedback_key_id", "user_id"),
)
_GIVEN = (feedback.c.use_case_id, feedback.c.feedback_key_id)
Index("ix_feedback_value", *_GIVEN, feedback.c.value)
Index("ix_feedback_model", *_GIVEN, feedback.c.model_id, feedback.c.value)
Index(
    "ix_feedback_completion",  # in order of time, for the filter of the log
    *_GIVEN,
    feedback.c.completion_id,
    feedback.c.value,
)
Index(
    "ix_feedback_ab_test",
    feedback.c.ab_test_id,
    feedback.c.feedback_key_id,
    sqlite_where=feedback.c.ab_test_id.is_not(None),
    postgresql_where=feedback.c.ab_test_id.is_not(None),
)
Index("ix_feedback_user", *_GIVEN, feedback.c.user_id, feedback.c.completion_id)
Index(
    "ix_feedback_reason",
    *_GIVEN,
    feedback.c.reason,
    feedback.c.completion_id,
    sqlite_where=feedback.c.reason.is_not(None),
    postgresql_where=feedback.c.reason.is_not(None),
)

comparison = Table(
    "comparison",
    metadata,
    Column("id", Id, primary_key=True),
    Column("use_case_id", Id, nullable=False),
    Column("feedback_key_id", Id, ForeignKey("feedback_key.id"), nullable=False),
    Column("preferred_id", Id, ForeignKey("interaction.id"), nullable=False),
    Column("other_id", Id, ForeignKey("interaction.id"), nullable=False),
    Column("tied", Text),
    Column("user_id", Id, nullable=False),
    Column("ab_test_id", Id),
)
_OF_KEY = (comparison.c.use_case_id, comparison.c.feedback_key_id)
Index("ix_comparison_key_preferred", *_OF_KEY, comparison.c.preferred_id)
Index("ix_comparison_key_other", *_OF_KEY, comparison.c.other_id)
Index("ix_comparison_preferred", comparison.c.preferred_id, comparison.c.feedback_key_id)
Index("ix_comparison_other", comparison.c.other_id, comparison.c.feedback_key_id)
