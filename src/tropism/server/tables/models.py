"""Registered models, and their attachment to use cases."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, Table

from tropism.server.database.types import Id, Json, Text
from tropism.server.tables.metadata import metadata

model = Table(
    "model",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("engine", Text, nullable=False),  # a name that engines/registry.py knows
    Column("deployed", Boolean, nullable=False),  # whether it should run
    Column("attempt", Integer, nullable=False),  # counts up when a failed one is deployed again: a new try
    Column("online", Text, nullable=False),  # whether it does
    Column("error", Text),
    Column("provider", Text),
    Column("path", Text),
    Column("endpoint", Text),
    Column("external_model_id", Text),
    Column("secret", LargeBinary),  # the provider's api key, encrypted
    Column("extra_params", Json),
    Column("backbone_id", Id, ForeignKey("model.id")),
    Column("system_prompt", Text),
    Column("parameters", Json),
    Column("compute_config", Json, nullable=False),
    Column("size", BigInteger),
    Column("prices", Json),  # in US dollars per million tokens
    Column("adapter_path", Text),  # of an adapter: its weights, which run on the engine of its backbone
    Column("training_job_id", Id),  # the job that made it
    Column("prices_source", Text),  # the list that its prices are from; null where somebody has said them
    Column("weights_path", Text),  # a folder with the exact weights, if those that are served were made from them
    Column("origin", Json),  # where it came from, and what its files say of it
    Column("concurrency", Json),  # how many requests its engine may have at once, and how many may wait
    Column("team_id", Id),  # of those who say how it runs
    Column("version", Integer),  # of a variant: how many system prompts and parameters it has had
)
variant_version = Table(
    "variant_version",
    metadata,
    Column("model_id", Id, ForeignKey("model.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("id", Id, nullable=False),  # tells when it was made
    Column("system_prompt", Text),
    Column("parameters", Json),
    Column("restored", Integer),  # the earlier version that it repeats
    PrimaryKeyConstraint("model_id", "number"),
)
attachment = Table(
    "attachment",
    metadata,
    Column("use_case_id", Id, ForeignKey("use_case.id"), nullable=False),
    Column("model_id", Id, ForeignKey("model.id"), nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("desired_online", Boolean, nullable=False),
    Column("placement", Json),
    Column("fallbacks", Json),  # ids of the models that answer if this one cannot, in their order
    Column("reliability", Json),  # timeouts and retries
    Column("since", Id),  # made anew when it is attached again: nothing of before is given again then
    PrimaryKeyConstraint("use_case_id", "model_id"),
)
