"""How many tests each table simulates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Simulated tests per cell, feedbacks per test, and random states compared."""

    pairs: int
    many: int
    power: int
    users: int
    shipped: int
    feedbacks: int
    states: int


QUICK = Size(pairs=500, many=250, power=250, users=250, shipped=1000, feedbacks=5000, states=1000)
FULL = Size(pairs=3000, many=1000, power=1500, users=1000, shipped=4000, feedbacks=20_000, states=10_000)
