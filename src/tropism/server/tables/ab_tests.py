"""A/B tests and their sufficient statistics, which are updated with each feedback and can be rebuilt from the log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Integer, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

ab_test = Table(
    "ab_test",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("feedback_key_id", Id, ForeignKey("feedback_key.id"), nullable=False),
    Column("feedback_type", Text, nullable=False),
    Column("traffic_split", Float, nullable=False),
    Column("auto_deploy", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("default_model_id", Id),  # the default when the test began: auto_deploy never overrides a later choice
    Column("reference", Float),  # the first value; sums are taken around it, which keeps them exact
    Column("min_effect", Float),
    Column("max_feedbacks", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("guardrails", Json, nullable=False),
    Column("shadow", Float, nullable=False),
    Column("shadow_completions", BigInteger, nullable=False),
    Column("shadow_prompt_tokens", BigInteger, nullable=False),
    Column("shadow_completion_tokens", BigInteger, nullable=False),
    Column("next_look", BigInteger, nullable=False),  # at how many feedbacks the history gets its next look
    Column("ended_ms", BigInteger),
    Column("report", Json),  # the report at the end, which never changes again
    Column("shadow_cost_usd", Float),
)
ab_variant = Table(
    "ab_variant",
    metadata,
    Column("ab_test_id", Id, ForeignKey("ab_test.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("model_id", Id, ForeignKey("model.id"), nullable=False),
    Column("assigned", BigInteger, nullable=False),
    Column("assigned_units", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("sums", Json, nullable=False),  # of values; of preferences, wins less losses against all others
    Column("fallbacks", BigInteger, nullable=False, server_default="0"),  # of the errors, those that another answered
    PrimaryKeyConstraint("ab_test_id", "position"),
)
ab_unit = Table(
    "ab_unit",
    metadata,
    Column("ab_test_id", Id, nullable=False),
    Column("unit_id", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("other", Integer, nullable=False),  # of a preference, the variant compared with; below zero: see units.py
    Column("feedbacks", Integer, nullable=False),
    Column("total", Float, nullable=False),  # the sum of value - reference, or wins less losses
    PrimaryKeyConstraint("ab_test_id", "unit_id", "position", "other"),
    sqlite_with_rowid=False,
)
ab_guardrail = Table(
    "ab_guardrail",
    metadata,
    Column("ab_test_id", Id, ForeignKey("ab_test.id"), nullable=False),
    Column("number", Integer, nullable=False),  # its place in the test's list
    Column("position", Integer, nullable=False),
    Column("metric", Text, nullable=False),  # "latency_ms", "cost_usd", or the id of a feedback key
    Column("reference", Float),
    Column("sums", Json, nullable=False),
    PrimaryKeyConstraint("ab_test_id", "number", "position"),
)
ab_look = Table(
    "ab_look",
    metadata,
    Column("ab_test_id", Id, ForeignKey("ab_test.id"), nullable=False),
    Column("id", Id, nullable=False),
    Column("figures", Json, nullable=False),
    PrimaryKeyConstraint("ab_test_id", "id"),
)
ab_pair = Table(
    "ab_pair",
    metadata,
    Column("ab_test_id", Id, ForeignKey("ab_test.id"), nullable=False),
    Column("position", Integer, nullable=False),  # the lower of the two
    Column("other", Integer, nullable=False),
    Column("wins", BigInteger, nullable=False),
    Column("losses", BigInteger, nullable=False),
    Column("ties_good", BigInteger, nullable=False),
    Column("ties_bad", BigInteger, nullable=False),
    Column("sums", Json, nullable=False),
    PrimaryKeyConstraint("ab_test_id", "position", "other"),
)
