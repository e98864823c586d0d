"""The log. A narrow row lists, filters and groups; what was said lies apart. An id carries the time: order is by id."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

interaction = Table(
    "interaction",
    metadata,
    Column("id", Id, primary_key=True),
    Column("use_case_id", Id, nullable=False),
    Column("model_id", Id),
    Column("session_id", Id, nullable=False),
    Column("user_id", Id),
    Column("ab_test_id", Id),
    Column("ab_unit", Id),  # who stays with one variant: a user, a session, or this completion
    Column("source", Text, nullable=False),
    Column("prompt_hash", LargeBinary(16), nullable=False),
    Column("finish_reason", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("latency_ms", Float),
    Column("first_token_ms", Float),
    Column("parameters", Json),
    Column("labels", Json),
    Column("assigned_model_id", Id),  # whom a fallback, `model_id`, has answered for; null where none has
    Column("cost_usd", Float),  # by the prices of that moment; later ones do not change it
    Column("api_key_id", Id),  # whose key asked for it; null where it was not made for a call
    Column("cached_tokens", Integer),  # of prompt_tokens; null where the engine does not tell
    Column("reasoning_tokens", Integer),  # of completion_tokens
    Column("attempts", Json),  # where it took more than one
    Column("cached_from", Id),  # the completion whose answer was given again; null where it was made anew
    Column("model_version", Integer),  # of the variant that answered
    sqlite_with_rowid=False,
)
Index("ix_interaction_use_case", interaction.c.use_case_id, interaction.c.id)
Index("ix_interaction_model", interaction.c.use_case_id, interaction.c.model_id, interaction.c.id)
Index("ix_interaction_prompt", interaction.c.use_case_id, interaction.c.prompt_hash, interaction.c.id)
Index("ix_interaction_source", interaction.c.use_case_id, interaction.c.source, interaction.c.id)
Index("ix_interaction_session", interaction.c.session_id, interaction.c.id)
Index(
    "ix_interaction_user",
    interaction.c.user_id,
    interaction.c.id,
    sqlite_where=interaction.c.user_id.is_not(None),
    postgresql_where=interaction.c.user_id.is_not(None),
)
Index(
    "ix_interaction_ab_test",
    interaction.c.ab_test_id,
    interaction.c.id,
    sqlite_where=interaction.c.ab_test_id.is_not(None),
    postgresql_where=interaction.c.ab_test_id.is_not(None),
)

interaction_count = Table(
    "interaction_count",
    metadata,
    Column("use_case_id", Id, nullable=False),
    Column("hour", Integer, nullable=False),  # since 1970, in UTC
    Column("model_id", Id, nullable=False),  # the nil id where none was named
    Column("source", Text, nullable=False),
    Column("number", BigInteger, nullable=False),  # that the log holds now
    PrimaryKeyConstraint("use_case_id", "hour", "model_id", "source"),
    sqlite_with_rowid=False,
)
interaction_body = Table(
    "interaction_body",
    metadata,
    Column("id", Id, primary_key=True),
    Column("messages", Json, nullable=False),
    Column("completion", Text, nullable=False),
    Column("tools", Json),  # that were offered; null if none
    Column("tool_calls", Json),  # that the model asked for; null if none
    Column("metadata", Json),
    Column("system_prompt_args", Json),  # with which the variant's system prompt was filled in
)
interaction_label = Table(
    "interaction_label",
    metadata,
    Column("use_case_id", Id, nullable=False),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("interaction_id", Id, nullable=False),
    PrimaryKeyConstraint("use_case_id", "key", "value", "interaction_id"),
    sqlite_with_rowid=False,
)
interaction_deletion = Table(
    "interaction_deletion",
    metadata,
    Column("id", Id, primary_key=True),
    Column("use_case_id", Id, nullable=False),
    Column("request", Json, nullable=False),
    Column("stand_in", Id, nullable=False),  # whom what has to be kept belongs to from then on
    Column("deleted", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)
