"""The interactions that match a filter, in order of time and counted, without reading more of the log than it takes.

Of the things that a filter asks for, the one that holds of the fewest interactions finds them, off its index and in
their order; the others are looked at row by row. So what a page costs does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, union

from tropism.server.database.session import Reading
from tropism.server.database.unindexed import unindexed
from tropism.server.domains.interactions import counting
from tropism.server.domains.interactions.counting import Kind
from tropism.server.domains.interactions.filters import Condition, Predicate, model_ids, predicates, within
from tropism.server.tables.interactions import interaction
from tropism.wire.interactions import InteractionFilter, TimeRange

COUNTED = 10_000
"""Matches are counted up to here, unless the log keeps their number."""
LOOKED_AT = 2_000
"""Where candidates have to be looked at, or told apart, and are too many to be counted anyway, so many of them are."""
AT_ONCE = 2_000
log = interaction.c


@dataclass(frozen=True, slots=True)
class Matches:
    """Candidates, and what must hold of them besides."""

    candidates: Sequence[Select[Any]]
    """Statements that read ids off an index, in their order."""
    size: int
    """How many candidates there are; `COUNTED + 1` stands for any number above."""
    each_once: bool
    """No candidate comes twice."""
    rest: Sequence[Condition]
    in_order: bool
    """An index has them in order; else the few that there are have to be sorted."""


def matches(session: Reading, use_case_id: UUID, wanted: InteractionFilter) -> Matches:
    """The shortest way to all that match."""
    everything = select(log.id).where(log.use_case_id == use_case_id)
    whole = Predicate(holds=unindexed(log.use_case_id) == use_case_id, ids=[everything])
    asked = [*predicates(session, use_case_id, wanted), whole]
    ways = [(_within(each, wanted.timerange), each) for each in asked if each.in_order]
    sizes = [_size(session, statements) for statements, _ in ways]
    size = min(sizes)
    candidates, way = ways[sizes.index(size)]
    known = (way, whole) if way.in_use_case else (way,)
    rest = [each.holds for each in asked if each not in known]
    return Matches(candidates, size, way.each_once, rest, in_order=size > COUNTED or not way.few_first)


def following(session: Reading, found: Matches, after: UUID | None, descending: bool, number: int) -> Sequence[UUID]:
    """The first matches after an id, up to a number."""
    return list(islice(_walk(session, found, after, descending, number), number))


def _walk(session: Reading, found: Matches, after: UUID | None, descending: bool, step: int) -> Iterator[UUID]:
    while True:
        batches = [_batch(session, each, found.in_order, after, descending, step) for each in found.candidates]
        ids = _certain(batches, descending, step)
        yield from _holding(session, ids[:step], found.rest, descending)
        if len(ids) <= step and all(len(batch) < step for batch in batches):
            return
        after, step = ids[:step][-1], min(2 * step, AT_ONCE)


def _certain(batches: Sequence[list[UUID]], descending: bool, step: int) -> list[UUID]:
    """The ids of all batches in order, each once, up to where a full batch breaks off: more may follow there."""
    ids = dict.fromkeys(merge(*batches, reverse=descending))
    ends = [batch[-1] for batch in batches if len(batch) == step]
    if not ends:
        return list(ids)
    end = max(ends) if descending else min(ends)
    return [id for id in ids if (id >= end if descending else id <= end)]


def _batch(
    session: Reading, way: Select[Any], in_order: bool, after: UUID | None, descending: bool, step: int
) -> list[UUID]:
    id = way.selected_columns.id if in_order else unindexed(way.selected_columns.id)
    if after is not None:
        way = way.where(id < after if descending else id > after)
    return [row.id for row in session.rows(way.order_by(id.desc() if descending else id).limit(step))]


def _holding(session: Reading, ids: list[UUID], rest: Sequence[Condition], descending: bool) -> list[UUID]:
    if not rest or not ids:
        return ids
    rows = session.rows(select(log.id).where(log.id.in_(ids), *rest))
    return sorted((row.id for row in rows), reverse=descending)


def count(session: Reading, found: Matches, use_case_id: UUID, wanted: InteractionFilter) -> tuple[int, bool]:
    """How many match, and whether that is all of them: else there are at least so many."""
    if counting.knows(wanted):
        kind = Kind(use_case_id, model_ids(session, wanted), wanted.source)
        return counting.total(session, kind, wanted.timerange or TimeRange()), True
    if not found.candidates or (found.each_once and not found.rest):
        return min(found.size, COUNTED), found.size <= COUNTED
    is_all = found.size <= COUNTED
    most = COUNTED + 1 if is_all else LOOKED_AT
    ids = union(*(_newest(each, found.in_order, most) for each in found.candidates)).subquery()
    statement = select(func.count()).select_from(ids)
    if found.rest:
        statement = statement.join(interaction, log.id == ids.c.id).where(*found.rest)
    number = int(session.value(statement))
    return min(number, COUNTED), is_all


def _newest(way: Select[Any], in_order: bool, most: int) -> Select[Any]:
    """Candidates, no more than are counted. The limit keeps the planner from a way of its own, too."""
    ordered = way.order_by(way.selected_columns.id.desc()) if in_order else way
    newest = ordered.limit(most).subquery()
    return select(newest.c.id)


def _within(predicate: Predicate, timerange: TimeRange | None) -> list[Select[Any]]:
    return [each.where(*within(each.selected_columns.id, timerange)) for each in predicate.ids]


def _size(session: Reading, statements: Sequence[Select[Any]]) -> int:
    """How many a way finds, counted as far as it matters."""
    size = 0
    for each in statements:
        size += session.value(select(func.count()).select_from(each.limit(COUNTED + 1 - size).subquery()))
        if size > COUNTED:
            break
    return size
