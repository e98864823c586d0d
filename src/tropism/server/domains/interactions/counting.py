"""How many interactions the log holds: counted up and down with the log, by hour, so that a list need not read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from tropism.server.clock import first_id_at
from tropism.server.database.prepared import Prepared
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.costs.counting import NOBODY, add_up
from tropism.server.tables.interactions import interaction, interaction_count
from tropism.wire.interactions import InteractionFilter, TimeRange

HOUR_MS = 3_600_000
LAST_MS = 2**48 - 1
"""No id is of a later moment."""
_ADD = Prepared(add_up(interaction_count))
counted = interaction_count.c
log = interaction.c


class Logged(Protocol):
    """A row of the log, or a record that becomes one."""

    @property
    def id(self) -> UUID: ...
    @property
    def use_case_id(self) -> UUID: ...
    @property
    def model_id(self) -> UUID | None: ...
    @property
    def source(self) -> str: ...


def count(transaction: Writing, rows: Iterable[Logged], by: int = 1) -> None:
    """Count interactions that come, or with `by=-1` those that go: one statement, however many there are."""
    numbers = Counter((row.use_case_id, _hour(row.id), row.model_id or NOBODY, row.source) for row in rows)
    transaction.put(_ADD, [(*key, by * more) for key, more in numbers.items()])


def knows(wanted: InteractionFilter) -> bool:
    """Whether everything that a filter asks for is counted."""
    given = {name for name in wanted.__struct_fields__ if getattr(wanted, name) is not None}
    return given <= {"models", "source", "timerange"}


@dataclass(frozen=True, slots=True)
class Kind:
    """Interactions of a use case, or those of some models and sources."""

    use_case_id: UUID
    model_ids: Sequence[UUID] | None = None
    sources: Sequence[str] | None = None

    def among(self, columns: Any) -> list[ColumnElement[bool]]:
        """What holds of their rows in a table with these columns."""
        found: list[ColumnElement[bool]] = [columns.use_case_id == self.use_case_id]
        if self.model_ids is not None:
            found.append(columns.model_id.in_(self.model_ids))
        if self.sources is not None:
            found.append(columns.source.in_(self.sources))
        return found


def total(session: Reading, kind: Kind, span: TimeRange) -> int:
    """How many there are from one moment to another: whole hours from what was counted, their rests from the log."""
    start, end = (min(max(0, each), LAST_MS) for each in (span.from_ or 0, LAST_MS if span.to is None else span.to))
    first, last = -(-start // HOUR_MS), end // HOUR_MS
    if last <= first:
        return _in_log(session, kind, start, end)
    whole = select(func.coalesce(func.sum(counted.number), 0)).where(counted.hour >= first, counted.hour < last)
    edges = _in_log(session, kind, start, first * HOUR_MS) + _in_log(session, kind, last * HOUR_MS, end)
    return edges + int(session.value(whole.where(*kind.among(counted))))


def _in_log(session: Reading, kind: Kind, start: int, end: int) -> int:
    if end <= start:
        return 0
    span = (log.id >= first_id_at(start), log.id < first_id_at(end))
    return int(session.value(select(func.count()).select_from(interaction).where(*kind.among(log), *span)))


def _hour(id: UUID) -> int:
    return (id.int >> 80) // HOUR_MS
