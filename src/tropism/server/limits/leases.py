"""What each process was lent of a limit, and what was used of it: the truth that all processes share.

A process that may use something has been lent it first, in the database. So all together never admit more than the
limit, and one that dies has only to be waited for: what it was lent and did not use is free again when its lease ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, or_, select, update

from tropism.server.clock import milliseconds
from tropism.server.database.session import Reading, Writing
from tropism.server.limits.windows import begin
from tropism.server.tables import access, use_cases
from tropism.server.tables.limits import usage_lease, usage_limit
from tropism.wire.limits import Period

SECONDS = 10
"""How long a lease holds unless it is renewed."""
FARTHEST_MS = SECONDS * 1000 + 60_000
"""A lease that ends later than this was made by a clock that has been set back since: it holds no more. The clocks of
several machines may differ by less than a minute."""
SLICES = 8
"""A process is lent an eighth of what is left, or what it needs at once if that is more."""
_KEPT_MS = 86_400_000
"""Leases of times that have passed are kept for a day: an answer may end long after it was admitted."""

Window: TypeAlias = tuple[UUID, int]
"""A limit, and when its minute, day or month began, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a process asks for: `needed` on top of what it `kept`, which it was lent before or has in use."""

    window: Window
    process_id: UUID
    kept: int
    needed: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What it has from now on. `others` is what other processes have, `others_used` what is gone for good of that."""

    amount: int
    lent: int
    until_ms: int
    others: int
    others_used: int


@dataclass(frozen=True, slots=True)
class Spend:
    """What an answer used of a limit."""

    window: Window
    process_id: UUID
    units: int


def take(transaction: Writing, wish: Wish) -> Grant | None:
    """Lend what is needed, or a slice of what is left; less if there is less. None if the limit is gone."""
    limit_id, begins_ms = wish.window
    amount = transaction.value(select(usage_limit.c.amount).where(usage_limit.c.id == limit_id).with_for_update())
    if amount is None:
        return None
    now_ms = milliseconds(transaction.now)
    here = usage_lease.c.limit_id == limit_id, usage_lease.c.begins_ms == begins_ms
    others = transaction.row(_sums(now_ms).where(*here, usage_lease.c.process_id != wish.process_id))
    assert others is not None
    left = max(0, amount - others.taken - wish.kept)
    lent = wish.kept + min(left, max(wish.needed, left // SLICES if wish.needed else 0))
    until_ms = now_ms + SECONDS * 1000
    _keep(transaction, wish.window, wish.process_id, {"lent": lent, "until_ms": until_ms})
    return Grant(amount=amount, lent=lent, until_ms=until_ms, others=others.taken, others_used=others.used)


def spend(transaction: Writing, spends: Sequence[Spend]) -> None:
    """Count what answers used, in the transaction that stores them."""
    sums: dict[tuple[Window, UUID], int] = defaultdict(int)
    for each in spends:
        sums[each.window, each.process_id] += each.units
    for (window, process_id), units in sums.items():
        _keep(transaction, window, process_id, {"used": usage_lease.c.used + units}, {"used": units})


def used(session: Reading, windows: Sequence[Window]) -> Mapping[Window, int]:
    """What was used, by all processes together."""
    here = [_is(window) for window in windows]
    summed = (
        select(usage_lease.c.limit_id, usage_lease.c.begins_ms, func.sum(usage_lease.c.used).label("used"))
        .where(or_(*here))
        .group_by(usage_lease.c.limit_id, usage_lease.c.begins_ms)
    )
    return {(row.limit_id, row.begins_ms): row.used for row in session.rows(summed)} if here else {}


def tidy(transaction: Writing) -> None:
    """Remove the leases of times that have passed, and the limits of keys that are revoked."""
    for period in ("minute", "day", "month"):
        oldest = milliseconds(begin(_period(period), transaction.now)) - _KEPT_MS
        those = select(usage_limit.c.id).where(usage_limit.c.period == period)
        transaction.run(delete(usage_lease).where(usage_lease.c.limit_id.in_(those), usage_lease.c.begins_ms < oldest))
    known = (select(access.api_key.c.id), select(access.user.c.id), select(use_cases.use_case.c.id))
    gone = and_(*(usage_limit.c.subject_id.not_in(ids) for ids in known))
    transaction.run(delete(usage_lease).where(usage_lease.c.limit_id.in_(select(usage_limit.c.id).where(gone))))
    if transaction.run(delete(usage_limit).where(gone)):
        transaction.touch()


def _sums(now_ms: int) -> Any:
    """What is taken, as long as leases hold, and what of that is used."""
    most = case((usage_lease.c.lent > usage_lease.c.used, usage_lease.c.lent), else_=usage_lease.c.used)
    holds = usage_lease.c.until_ms.between(now_ms + 1, now_ms + FARTHEST_MS)
    taken = case((holds, most), else_=usage_lease.c.used)
    return select(
        func.coalesce(func.sum(taken), 0).label("taken"), func.coalesce(func.sum(usage_lease.c.used), 0).label("used")
    )


def _keep(
    transaction: Writing, window: Window, process_id: UUID, values: dict[str, Any], first: dict[str, Any] | None = None
) -> None:
    """Write into the row of this process; a limit that is gone has none."""
    mine = _is(window) & (usage_lease.c.process_id == process_id)
    if transaction.run(update(usage_lease).where(mine).values(**values)):
        return
    if transaction.row(select(usage_limit.c.id).where(usage_limit.c.id == window[0])):
        place = {"limit_id": window[0], "begins_ms": window[1], "process_id": process_id}
        new = {"lent": 0, "until_ms": 0, "used": 0} | (first or values)
        transaction.run(insert(usage_lease).values(**place, **new))


def _is(window: Window) -> ColumnElement[bool]:
    return (usage_lease.c.limit_id == window[0]) & (usage_lease.c.begins_ms == window[1])


def _period(name: str) -> Period:
    return name  # type: ignore[return-value]
