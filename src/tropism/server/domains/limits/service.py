"""Limits of keys, users and use cases: set, shown with their use, removed by those in charge of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from tropism.server.clock import milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import charge, users
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Forbidden, InvalidRequest, NotFound
from tropism.server.identity.grants import seen_by
from tropism.server.limits import leases
from tropism.server.limits.windows import begin, end, from_units, to_units
from tropism.server.tables.access import api_key, user
from tropism.server.tables.limits import usage_lease, usage_limit
from tropism.server.tables.use_cases import use_case
from tropism.wire import limits as wire
from tropism.wire.page import Nothing

_SHOWN = (
    select(usage_limit, user.c.email, use_case.c.key, api_key.c.user_id.label("owner"))
    .outerjoin(user, usage_limit.c.subject_id == user.c.id)
    .outerjoin(use_case, usage_limit.c.subject_id == use_case.c.id)
    .outerjoin(api_key, usage_limit.c.subject_id == api_key.c.id)
    .order_by(usage_limit.c.id)
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a limit holds for."""

    kind: str
    id: UUID


def set_limit(transaction: Writing, request: wire.LimitSet) -> wire.Limit:
    """A new limit, or another amount for one that is there; what was used of it stays used."""
    subject = _subject(transaction, request)
    _refuse_unless_in_charge(transaction, subject)
    if request.measure != "usd" and request.amount != int(request.amount):
        raise InvalidRequest(f"{request.measure} are whole: {request.amount:g} is not", param="amount")
    same = {"subject_id": subject.id, "measure": request.measure, "period": request.period}
    here = [usage_limit.c[name] == value for name, value in same.items()]
    amount = to_units(request.measure, request.amount)
    if not transaction.run(update(usage_limit).where(*here).values(amount=amount)):
        new = {"id": transaction.new_id(), "kind": subject.kind, "amount": amount}
        transaction.run(insert(usage_limit).values(**new, **same))
    transaction.touch()
    return _shown(transaction, transaction.rows(_SHOWN.where(*here)))[0]


def list_limits(session: Reading, request: wire.LimitFilter) -> wire.Limits:
    """All that hold for what the caller sees, or those of what is named."""
    named = [name for name in ("api_key", "user", "use_case") if getattr(request, name) is not None]
    here: list[ColumnElement[bool]] = []
    if named:
        here = [usage_limit.c.subject_id == _subject(session, request).id]
    rows = [row for row in session.rows(_SHOWN.where(*here)) if _sees(session, row)]
    return wire.Limits(limits=_shown(session, rows))


def remove(transaction: Writing, request: wire.LimitReference) -> Nothing:
    """Let go of a limit, and of what was used of it."""
    row = transaction.row(_SHOWN.where(usage_limit.c.id == request.limit))
    if row is None or not _sees(transaction, row):
        raise NotFound(f"no limit {request.limit}; limits.list() shows them", param="limit")
    _refuse_unless_in_charge(transaction, Subject(row.kind, row.subject_id))
    transaction.run(delete(usage_lease).where(usage_lease.c.limit_id == row.id))
    transaction.run(delete(usage_limit).where(usage_limit.c.id == row.id))
    transaction.touch()
    return Nothing()


def _subject(session: Reading, request: wire.LimitSet | wire.LimitFilter) -> Subject:
    named = [name for name in ("api_key", "user", "use_case") if getattr(request, name) is not None]
    if len(named) != 1:
        raise InvalidRequest("name exactly one of `api_key`, `user` and `use_case`", param="use_case")
    if request.use_case is not None:
        return Subject("use_case", use_cases.find(session, request.use_case).id)
    if request.user is not None:
        return Subject("user", users.find(session, request.user).id)
    row = session.row(select(api_key.c.id, api_key.c.user_id).where(api_key.c.id == request.api_key))
    if row is None or not _knows(session, row.user_id):
        raise NotFound(f"no api key {request.api_key}; api_keys.list() shows yours", param="api_key")
    return Subject("api_key", row.id)


def _refuse_unless_in_charge(session: Reading, subject: Subject) -> None:
    """Nobody limits those who may do more than they, and nobody lifts a limit that those have set on them."""
    if subject.kind == "use_case":
        team = session.value(select(use_case.c.team_id).where(use_case.c.id == subject.id))
        if not session.principal.may("limit:update", team):
            raise Forbidden("this needs the permission 'limit:update' in the team of the use case")
        return
    owner = subject.id
    if subject.kind == "api_key":
        owner = session.value(select(api_key.c.user_id).where(api_key.c.id == subject.id))
    if not charge.is_managed(session, owner):
        raise Forbidden("limits of a user and of their keys are set by those who may change their roles")


def _sees(session: Reading, row: Row[Any]) -> bool:
    if row.kind == "use_case":
        seen = select(use_case.c.id).where(use_case.c.id == row.subject_id, seen_by(session.principal))
        return session.row(seen) is not None
    owner = row.subject_id if row.kind == "user" else row.owner
    return owner is not None and _knows(session, owner)


def _knows(session: Reading, user_id: UUID) -> bool:
    return user_id == session.principal.user_id or charge.is_managed(session, user_id)


def _shown(session: Reading, rows: Any) -> list[wire.Limit]:
    windows = {row.id: (row.id, milliseconds(begin(row.period, session.now))) for row in rows}
    used = leases.used(session, list(windows.values()))
    return [_one(session, row, used.get(windows[row.id], 0)) for row in rows]


def _one(session: Reading, row: Row[Any], used: int) -> wire.Limit:
    return wire.Limit(
        id=row.id,
        api_key=row.subject_id if row.kind == "api_key" else None,
        user=row.email,
        use_case=row.key,
        measure=row.measure,
        period=row.period,
        amount=from_units(row.measure, row.amount),
        used=from_units(row.measure, used),
        remaining=from_units(row.measure, max(0, row.amount - used)),
        resets_at=end(row.period, session.now),
        created_at=time_of(row.id),
    )
