"""Tables, one file per domain. Any domain may read any table; only the owner writes it."""

from __future__ import annotations

from tropism.server.tables import ab_tests, access, feedback, interactions, models, replays, use_cases
from tropism.server.tables.metadata import metadata

__all__ = ["ab_tests", "access", "feedback", "interactions", "metadata", "models", "replays", "use_cases"]
