"""Storing what was answered, and counting it in its A/B test, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import assignment
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record


def store(transaction: Writing, rows: Sequence[Record]) -> None:
    """Store completions, many at a time."""
    records.store(transaction, rows)
    assignment.count_logged(transaction, *rows)
