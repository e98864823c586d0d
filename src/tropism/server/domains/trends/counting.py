"""Counting values into the hour of their answer, in the transaction that stores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from tropism.server.database.prepared import Prepared
from tropism.server.database.session import Writing
from tropism.server.domains.costs.counting import NOBODY, add_up
from tropism.server.tables.trends import trend

LATENCY, FIRST_TOKEN = "latency_ms", "first_token_ms"
HOUR_MS = 3_600_000
SEEN = frozenset({"LIVE", "OFFLINE"})
"""Answers that people saw; what shadows, evaluations and datasets asked for says nothing of how they fared."""
_ADD = Prepared(add_up(trend))


class Value(Struct, frozen=True, kw_only=True):
    """A value of an answer, or one that takes the place of another. The answer's id tells the hour."""

    completion_id: UUID
    use_case_id: UUID
    model_id: UUID | None
    metric: str
    after: float
    before: float | None = None

    @property
    def place(self) -> tuple[UUID, str, int, UUID]:
        hour = (self.completion_id.int >> 80) // HOUR_MS
        return (self.use_case_id, self.metric, hour, self.model_id or NOBODY)

    @property
    def change(self) -> tuple[int, float, float, float]:
        """What it adds to the sums of its hour: to the count, and to those of first, second and third powers."""
        now, before = self.after, self.before
        if before is None:
            return (1, now, now**2, now**3)
        return (0, now - before, now**2 - before**2, now**3 - before**3)


def count(transaction: Writing, values: Sequence[Value]) -> None:
    """Add values to the sums: one statement, however many there are."""
    sums: dict[tuple[Any, ...], list[float]] = {}
    for value in values:
        so_far = sums.setdefault(value.place, [0, 0.0, 0.0, 0.0])
        for power, more in enumerate(value.change):
            so_far[power] += more
    transaction.put(_ADD, [(*place, *more) for place, more in sums.items()])
