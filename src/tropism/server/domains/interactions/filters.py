"""Filters of the log as conditions on its narrow table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select

from tropism.server.clock import first_id_at
from tropism.server.database.session import Reading
from tropism.server.domains.models import service as models
from tropism.server.errors import InvalidRequest, NotFound
from tropism.server.references import refers
from tropism.server.tables.ab_tests import ab_test
from tropism.server.tables.feedback import comparison, feedback, feedback_key
from tropism.server.tables.interactions import interaction, interaction_label
from tropism.wire.interactions import FeedbackFilter, InteractionFilter, LabelFilter, TimeRange

FEW = 5_000
"""Up to so many matches of a predicate are fetched as a list of ids. A planner cannot know which is rare: left to it, a
rare label scans the whole log and a common one sorts half of it."""
VALUES = 100
"""Of a label, up to so many values are looked up one by one."""

Condition = ColumnElement[bool]
log = interaction.c


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # to compare statements makes another statement
class Predicate:
    """One thing that must hold of an interaction."""

    holds: Condition
    """On a row of the log."""
    ids: Sequence[Select[Any]]
    """Statements that find, together, the ids of all for which it holds."""
    in_order: bool = True
    """Each statement reads its ids off an index, in order of time."""
    few_first: bool = False
    """Where they are few, another index finds them sooner, in another order."""
    each_once: bool = True
    """No id is found twice."""
    in_use_case: bool = True
    """What the statements find is of the use case."""
    is_elsewhere: bool = True
    """Not the planner but we look whether it is rare, for it is about another table, or about any use case."""


def conditions(session: Reading, use_case_id: UUID, wanted: InteractionFilter) -> list[Condition]:
    """Everything that must hold, for statements that go through all matches."""
    found = [log.use_case_id == use_case_id, *within(log.id, wanted.timerange)]
    asked = list(predicates(session, use_case_id, wanted))
    found += [each.holds for each in asked if not each.is_elsewhere]
    return [*found, *_narrowed(session, [each for each in asked if each.is_elsewhere])]


def within(id: ColumnElement[Any], timerange: TimeRange | None) -> list[Condition]:
    """An id carries its time, so a range of times is a range of ids."""
    found: list[Condition] = []
    if timerange is not None and timerange.from_ is not None:
        found.append(id >= first_id_at(timerange.from_))
    if timerange is not None and timerange.to is not None:
        found.append(id < first_id_at(timerange.to))
    return found


def predicates(session: Reading, use_case_id: UUID, wanted: InteractionFilter) -> Iterator[Predicate]:
    """All that a filter says but for the time."""
    yield from _of_row(session, use_case_id, wanted)
    if wanted.session_id is not None:
        yield _anywhere(log.session_id, [wanted.session_id])
    if wanted.user_id is not None:
        yield _anywhere(log.user_id, [wanted.user_id])
    if wanted.tags is not None:
        tests = [_tagged(session, use_case_id, tag) for tag in wanted.tags]
        yield replace(_anywhere(log.ab_test_id, tests), in_use_case=True)
    for label in wanted.labels or ():
        yield _with_label(session, use_case_id, label)
    for given in wanted.feedbacks or ():
        yield _with_feedback(session, use_case_id, given)
    for compared in wanted.comparisons or ():
        yield _compared(session, use_case_id, compared.metric)


def model_ids(session: Reading, wanted: InteractionFilter) -> list[UUID] | None:
    """The ids of the models that a filter names."""
    if wanted.models is None:
        return None
    return [models.find(session, reference).id for reference in wanted.models]


def _of_row(session: Reading, use_case_id: UUID, wanted: InteractionFilter) -> Iterator[Predicate]:
    if (named := model_ids(session, wanted)) is not None:
        yield _here(use_case_id, log.model_id, named)
    if wanted.source is not None:
        yield _here(use_case_id, log.source, wanted.source)
    if wanted.prompt_hash is not None:
        yield _here(use_case_id, log.prompt_hash, [_hash(wanted.prompt_hash)])
    if wanted.completion_id is not None:
        yield _here(use_case_id, log.id, [wanted.completion_id])


def _here(use_case_id: UUID, column: ColumnElement[Any], values: Sequence[Any]) -> Predicate:
    """A column has one of these values; an index begins with the use case and this column."""
    ids = [select(log.id).where(log.use_case_id == use_case_id, column == value) for value in dict.fromkeys(values)]
    return Predicate(holds=column.in_(values), ids=ids, is_elsewhere=False)


def _anywhere(column: ColumnElement[Any], values: Sequence[UUID]) -> Predicate:
    """A column has one of these values; an index begins with this column."""
    ids = [select(log.id).where(column == value) for value in dict.fromkeys(values)]
    return Predicate(holds=column.in_(values), ids=ids, in_use_case=False)


def _with_label(session: Reading, use_case_id: UUID, wanted: LabelFilter) -> Predicate:
    label = interaction_label.c
    same = (label.use_case_id == use_case_id, label.key == wanted.key)
    values = _values(session, use_case_id, wanted.key) if wanted.value is None else list(dict.fromkeys(wanted.value))
    has_value = () if wanted.value is None else (label.value.in_(wanted.value),)
    matching = select(label.interaction_id.label("id")).where(*same)
    ids = [matching] if values is None else [matching.where(label.value == value) for value in values]
    holds = exists().where(*same, *has_value, label.interaction_id == log.id)
    return Predicate(holds=holds, ids=ids, in_order=values is not None)


def _values(session: Reading, use_case_id: UUID, key: str) -> list[str] | None:
    """The values that a label has, each a step on the index; None if there are many."""
    label = interaction_label.c
    least = select(func.min(label.value)).where(label.use_case_id == use_case_id, label.key == key)
    found: list[str] = []
    value = session.value(least)
    while value is not None:
        found.append(value)
        if len(found) > VALUES:
            return None
        value = session.value(least.where(label.value > value))
    return found


_TESTS: dict[str, Callable[[Any], Condition]] = {
    "gt": lambda bound: feedback.c.value > bound,
    "gte": lambda bound: feedback.c.value >= bound,
    "eq": lambda bound: feedback.c.value == bound,
    "neq": lambda bound: feedback.c.value != bound,
    "lt": lambda bound: feedback.c.value < bound,
    "lte": lambda bound: feedback.c.value <= bound,
    "user": lambda user: feedback.c.user_id == user,
    "reasons": lambda reasons: feedback.c.reason.in_(reasons),
}


def _with_feedback(session: Reading, use_case_id: UUID, wanted: FeedbackFilter) -> Predicate:
    given = [test(bound) for name, test in _TESTS.items() if (bound := getattr(wanted, name)) is not None]
    key_id = _metric(session, wanted.metric)
    same_key = (feedback.c.use_case_id == use_case_id, feedback.c.feedback_key_id == key_id)
    ids = select(feedback.c.completion_id.label("id")).where(*same_key, *given)
    return Predicate(
        holds=exists().where(*same_key, *given, feedback.c.completion_id == log.id),
        ids=[ids],
        few_first=bool(given),
        each_once=False,
    )


def _compared(session: Reading, use_case_id: UUID, metric: str) -> Predicate:
    key_id = _metric(session, metric)
    same_key = (comparison.c.use_case_id == use_case_id, comparison.c.feedback_key_id == key_id)
    sides = (comparison.c.preferred_id, comparison.c.other_id)
    ids = [select(side.label("id")).where(*same_key) for side in sides]
    return Predicate(
        holds=or_(*(exists().where(*same_key, side == log.id) for side in sides)), ids=ids, each_once=False
    )


def _narrowed(session: Reading, asked: Sequence[Predicate]) -> Iterator[Condition]:
    """What must hold; where few match, as a list of ids: one for all, for SQLite takes 32,766 values and no more."""
    ids: set[UUID] | None = None
    for predicate in asked:
        few: set[UUID] = set()
        for statement in predicate.ids:
            few.update(row.id for row in session.rows(statement.limit(FEW + 1 - len(few))))
            if len(few) > FEW:
                yield predicate.holds
                break
        else:
            ids = few if ids is None else ids & few
    if ids is not None:
        yield log.id.in_(ids) if ids else false()


def _hash(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidRequest("a prompt_hash is hexadecimal, as interactions carry it", param="prompt_hash") from None


def _metric(session: Reading, reference: str) -> UUID:
    row = session.row(select(feedback_key.c.id).where(refers(feedback_key, reference)))
    if row is None:
        raise NotFound(f"no feedback key {reference!r}; feedback.list_keys() shows what there is", param="metric")
    id: UUID = row.id
    return id


def _tagged(session: Reading, use_case_id: UUID, tag: str) -> UUID:
    row = session.row(select(ab_test.c.id).where(refers(ab_test, tag), ab_test.c.use_case_id == use_case_id))
    if row is None:
        raise NotFound(f"no A/B test {tag!r} here; ab_tests.list() shows what there is", param="tags")
    id: UUID = row.id
    return id


def after(columns: list[ColumnElement[Any]], position: list[Any], descending: bool) -> Condition:
    """Rows that come later than `position` in the order of `columns`."""
    first, *rest = columns
    beyond: Condition = first < position[0] if descending else first > position[0]
    if not rest:
        return beyond
    return or_(beyond, and_(first == position[0], after(rest, position[1:], descending)))
