"""Tables, one file per domain. Any domain may read any table; only the owner writes it."""

from __future__ import annotations

from tropism.server.tables import (
    ab_tests,
    access,
    audit,
    chat,
    compute_pools,
    costs,
    datasets,
    evaluation,
    feedback,
    interactions,
    jobs,
    limits,
    models,
    replays,
    reward_servers,
    sign_ins,
    snapshot,
    stored_files,
    training,
    trends,
    use_cases,
)
from tropism.server.tables.metadata import metadata

__all__ = [
    "ab_tests",
    "access",
    "audit",
    "chat",
    "compute_pools",
    "costs",
    "datasets",
    "evaluation",
    "feedback",
    "interactions",
    "jobs",
    "limits",
    "metadata",
    "models",
    "replays",
    "reward_servers",
    "sign_ins",
    "snapshot",
    "stored_files",
    "training",
    "trends",
    "use_cases",
]
