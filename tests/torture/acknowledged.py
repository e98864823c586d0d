"""What the engine said is stored, and what it may have stored: the promises that are checked after each kill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

NOBODY = UUID(int=0)
Rated: TypeAlias = tuple[UUID, UUID]
"""A completion, and the user in whose name it was rated."""


@dataclass
class Acknowledged:
    """By the ids that were handed out. What was asked but never answered is in the fields called unsure."""

    completions: dict[UUID, str] = field(default_factory=dict)
    values: dict[Rated, float] = field(default_factory=dict)
    """Each completion is rated by one client alone, so that the last acknowledged value must be there."""
    unsure: set[Rated] = field(default_factory=set)
    """Whose rating was sent, but never answered: it may be there or not."""
    preferences: dict[UUID, tuple[UUID, UUID]] = field(default_factory=dict)
    datasets: dict[UUID, list[str]] = field(default_factory=dict)
    """The questions in each, line by line."""
    jobs: set[UUID] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    deletions: dict[UUID, UUID] = field(default_factory=dict)
    """By deletion, the completion that is to go."""
    repeated: dict[str, UUID] = field(default_factory=dict)
    """By the idempotency key of calls that were made until they were answered, the completion that came of it."""
    unanswered: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Calls with an idempotency key whose answer was lost; they are made again."""
    lost: list[str] = field(default_factory=list)
    """Why calls were not answered."""
    count: int = 0
    """How often something was acknowledged."""
