"""Filters of the log as conditions on its narrow table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

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
"""Up to so many matches of a rare predicate are fetched as a list of ids. A planner cannot know which is rare: left to
it, a rare label scans the whole log and a common one sorts half of it."""

Condition = ColumnElement[bool]
log = interaction.c


def conditions(session: Reading, use_case_id: UUID, wanted: InteractionFilter) -> list[Condition]:
    """Everything that must hold."""
    found = [log.use_case_id == use_case_id, *_plain(session, wanted)]
    if wanted.timerange is not None:
        found += _within(wanted.timerange)
    return [*found, *_narrowed(session, _elsewhere(session, use_case_id, wanted))]


def _plain(session: Reading, wanted: InteractionFilter) -> Iterator[Condition]:
    if wanted.models is not None:
        yield log.model_id.in_([models.find(session, reference).id for reference in wanted.models])
    if wanted.prompt_hash is not None:
        yield log.prompt_hash == _hash(wanted.prompt_hash)
    if wanted.completion_id is not None:
        yield log.id == wanted.completion_id
    if wanted.source is not None:
        yield log.source.in_(wanted.source)


def _within(timerange: TimeRange) -> list[Condition]:
    """An id carries its time, so a range of times is a range of ids."""
    found: list[Condition] = []
    if timerange.from_ is not None:
        found.append(log.id >= first_id_at(timerange.from_))
    if timerange.to is not None:
        found.append(log.id < first_id_at(timerange.to))
    return found


def _elsewhere(session: Reading, use_case_id: UUID, wanted: InteractionFilter) -> Iterator[Select[Any]]:
    """The ids that match a predicate on another table, or one that another index finds; one statement each."""
    if wanted.session_id is not None:
        yield select(log.id).where(log.session_id == wanted.session_id)
    if wanted.user_id is not None:
        yield select(log.id).where(log.user_id == wanted.user_id)
    if wanted.tags is not None:
        yield select(log.id).where(log.ab_test_id.in_([_tagged(session, use_case_id, tag) for tag in wanted.tags]))
    for label in wanted.labels or ():
        yield _with_label(use_case_id, label)
    for given in wanted.feedbacks or ():
        yield _with_feedback(session, use_case_id, given)
    for compared in wanted.comparisons or ():
        key_id = _metric(session, compared.metric)
        same_key = (comparison.c.use_case_id == use_case_id) & (comparison.c.feedback_key_id == key_id)
        preferred = select(comparison.c.preferred_id.label("id")).where(same_key)
        yield select(preferred.union(select(comparison.c.other_id).where(same_key)).subquery().c.id)


def _with_label(use_case_id: UUID, wanted: LabelFilter) -> Select[Any]:
    label = interaction_label.c
    matching = select(label.interaction_id.label("id")).where(label.use_case_id == use_case_id, label.key == wanted.key)
    return matching if wanted.value is None else matching.where(label.value.in_(wanted.value))


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


def _with_feedback(session: Reading, use_case_id: UUID, wanted: FeedbackFilter) -> Select[Any]:
    given = [test(bound) for name, test in _TESTS.items() if (bound := getattr(wanted, name)) is not None]
    key_id = _metric(session, wanted.metric)
    same_key = (feedback.c.use_case_id == use_case_id, feedback.c.feedback_key_id == key_id)
    return select(feedback.c.completion_id.label("id")).where(*same_key, *given).distinct()


def _narrowed(session: Reading, statements: Iterator[Select[Any]]) -> Iterator[Condition]:
    """The ids that match every statement; the short lists as one, for SQLite takes 32,766 values and no more."""
    ids: set[UUID] | None = None
    for matching in statements:
        few = {row.id for row in session.rows(matching.limit(FEW + 1))}
        if len(few) > FEW:
            found = matching.subquery()
            yield select(found.c.id).where(found.c.id == log.id).exists()
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
