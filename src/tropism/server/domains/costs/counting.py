"""Counting what an answer cost, in the transaction that stores the answer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert  # what it adds is compiled for SQLite as well

from tropism.server.database.prepared import Prepared
from tropism.server.database.session import Writing
from tropism.server.tables.costs import spending, user_spending

NOBODY = UUID(int=0)
SUMS = ("requests", "unpriced", "prompt_tokens", "completion_tokens", "cost_usd")
_DAY_MS = 86_400_000
G = TypeVar("G", bound=Hashable)


class Charge(Struct, frozen=True, kw_only=True):
    """What one answer cost: for whom, by which model, with whose key. Its id tells the day."""

    id: UUID
    use_case_id: UUID
    model_id: UUID | None
    api_key_id: UUID | None
    user_id: UUID | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None

    @property
    def day(self) -> int:
        return (self.id.int >> 80) // _DAY_MS


def count(transaction: Writing, charges: Sequence[Charge]) -> None:
    """Add answers to the sums: two statements, however many there are."""
    by_key = _summed(charges, lambda c: (c.use_case_id, c.day, c.model_id or NOBODY, c.api_key_id or NOBODY))
    by_user = _summed(charges, lambda c: (c.use_case_id, c.day, c.user_id or NOBODY))
    transaction.put(_ADD, [(*key, *sums) for key, sums in by_key.items()])
    transaction.put(_ADD_BY_USER, [(*key, *sums) for key, sums in by_user.items()])


def add_up(table: Table) -> Any:
    """Insert sums, or add them to those that are there."""
    key = [column.name for column in table.primary_key]
    sums = [column.name for column in table.c if not column.primary_key]
    added = insert(table)
    return added.on_conflict_do_update(
        index_elements=key, set_={name: table.c[name] + added.excluded[name] for name in sums}
    )


_ADD, _ADD_BY_USER = Prepared(add_up(spending)), Prepared(add_up(user_spending))


def _summed(charges: Iterable[Charge], key: Any) -> dict[tuple[Any, ...], list[float]]:
    sums: dict[tuple[Any, ...], list[float]] = {}
    for charge in charges:
        so_far = sums.setdefault(key(charge), [0, 0, 0, 0, 0.0])
        so_far[0] += 1
        so_far[1] += charge.cost_usd is None
        so_far[2] += charge.prompt_tokens or 0
        so_far[3] += charge.completion_tokens or 0
        so_far[4] += charge.cost_usd or 0.0
    return sums
