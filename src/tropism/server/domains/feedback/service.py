"""Logging feedback: a value for a completion or a session, a preference between two completions."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.feedback import keys
from tropism.server.domains.interactions import service as interactions
from tropism.server.domains.trends import counting as trends
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest
from tropism.server.tables.feedback import comparison, feedback
from tropism.wire import feedback as wire

NOBODY = UUID(int=0)
LARGEST = 1e30
"""Larger values would lose all digits in sums; a finite number of feedback is never that large by intent."""


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value that came, or took the place of an earlier one. `of` is the completion's row in the log."""

    of: Row[Any]
    key: Row[Any]
    before: float | None
    after: float


@dataclass(frozen=True, slots=True)
class Preference:
    """What a comparison says, with the rows of its two sides."""

    preferred: Row[Any]
    other: Row[Any]
    tied: wire.Tie | None


@dataclass(frozen=True, slots=True)
class PreferenceChange:
    """A preference that came, or took the place of an earlier one."""

    key: Row[Any]
    user: UUID | None
    before: Preference | None
    after: Preference


def log_metric(
    transaction: Writing, request: wire.MetricFeedbackCreate, param: str = "metric"
) -> tuple[wire.MetricFeedback, ValueChange]:
    """Store a value. The same user (or nobody named) on the same completion and key replaces the earlier one."""
    of = interactions.find(transaction, request.completion_id)
    key = keys.find_linked(transaction, request.metric, of.use_case_id, param)
    value = checked_value(key, request.value)
    user = request.user_id or NOBODY
    values = {"value": value, "details": request.details, "reason": request.reason}
    same = (feedback.c.completion_id == of.id, feedback.c.feedback_key_id == key.id, feedback.c.user_id == user)
    earlier = transaction.row(select(feedback.c.id, feedback.c.value).where(*same))
    if earlier is not None:
        id = earlier.id
        transaction.run(update(feedback).where(feedback.c.id == id).values(**values))
    else:
        id = transaction.new_id()
        place = {"use_case_id": of.use_case_id, "model_id": of.model_id, "ab_test_id": of.ab_test_id}
        named = {"id": id, "completion_id": of.id, "feedback_key_id": key.id, "user_id": user}
        transaction.run(insert(feedback).values(**named, **place, **values))
    change = ValueChange(of, key, earlier.value if earlier else None, value)
    _count(transaction, change)
    logged = wire.MetricFeedback(
        id=id,
        feedback_key=key.key,
        value=value,
        completion_id=of.id,
        user=None if user == NOBODY else user,
        details=request.details,
        reason=request.reason,
        created_at=time_of(id),
    )
    return logged, change


def _count(transaction: Writing, change: ValueChange) -> None:
    """In the trend of the model that answered, if people saw the answer."""
    of = change.of
    if of.source in trends.SEEN:
        value = trends.Value(
            completion_id=of.id,
            use_case_id=of.use_case_id,
            model_id=of.model_id,
            metric=str(change.key.id),
            after=change.after,
            before=change.before,
        )
        trends.count(transaction, [value])


def log_outcome(transaction: Writing, request: wire.OutcomeCreate) -> tuple[wire.MetricFeedback, ValueChange]:
    """Store a session's value with its last completion."""
    last = interactions.last_of_session(transaction, request.session_id)
    return log_metric(
        transaction,
        wire.MetricFeedbackCreate(
            metric=request.metric, value=request.value, completion_id=last.id, user_id=request.user_id
        ),
    )


def log_preference(transaction: Writing, request: wire.ComparisonCreate) -> tuple[wire.Comparison, PreferenceChange]:
    """Store a preference. The same user (or nobody named) on the same pair and key replaces the earlier one."""
    preferred, other = interactions.compared(transaction, request)
    if preferred.id == other.id:
        raise InvalidRequest("a completion cannot be compared with itself", param="other_completion")
    if preferred.use_case_id != other.use_case_id:
        raise InvalidRequest("both completions must belong to the same use case", param="other_completion")
    if request.use_case is not None and use_cases.find(transaction, request.use_case).id != preferred.use_case_id:
        raise InvalidRequest(f"the completions belong to another use case than {request.use_case!r}", param="use_case")
    key = keys.find_linked(transaction, request.metric, preferred.use_case_id, param="metric")
    user = request.user_id or NOBODY
    now = {"preferred_id": preferred.id, "other_id": other.id, "tied": request.tied}
    earlier = _earlier(transaction, key.id, preferred.id, other.id, user)
    if earlier is not None:
        id = earlier.id
        transaction.run(update(comparison).where(comparison.c.id == id).values(**now))
    else:
        id = transaction.new_id()
        same_test = preferred.ab_test_id if preferred.ab_test_id == other.ab_test_id else None
        place = {"use_case_id": preferred.use_case_id, "feedback_key_id": key.id, "ab_test_id": same_test}
        transaction.run(insert(comparison).values(id=id, user_id=user, **place, **now))
    logged = wire.Comparison(
        id=id,
        feedback_key=key.key,
        preferred_completion_id=preferred.id,
        other_completion_id=other.id,
        tied=request.tied,
        user=None if user == NOBODY else user,
        created_at=time_of(id),
    )
    after = Preference(preferred, other, request.tied)
    if earlier is None:
        return logged, PreferenceChange(key, request.user_id, None, after)
    swapped = earlier.preferred_id != preferred.id
    before = Preference(*((other, preferred) if swapped else (preferred, other)), earlier.tied)
    return logged, PreferenceChange(key, request.user_id, before, after)


def _earlier(session: Reading, key_id: UUID, one: UUID, two: UUID, user: UUID) -> Row[Any] | None:
    pair = comparison.c
    sides = ((pair.preferred_id == one) & (pair.other_id == two)) | (
        (pair.preferred_id == two) & (pair.other_id == one)
    )
    return session.row(select(comparison).where(sides, pair.feedback_key_id == key_id, pair.user_id == user))


def checked_value(key: Row[Any], value: float) -> float:
    """The value as a number, if the key takes it."""
    number = float(value) + 0.0  # a negative zero is a zero
    if key.kind == "bool" and number not in (0.0, 1.0):
        raise InvalidRequest(f"{key.key!r} is a bool key: it takes 0, 1, true or false, not {value!r}", param="value")
    if not isfinite(number) or abs(number) > LARGEST:
        raise InvalidRequest(f"a value must be a finite number within ±{LARGEST:g}, not {value!r}", param="value")
    return number
