"""Workers say that they are there; pools are what their workers make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update

from tropism.server.clock import milliseconds
from tropism.server.database.session import Reading, Writing
from tropism.server.serving.placement import DEFAULT_POOL as DEFAULT_POOL
from tropism.server.serving.placement import IDLE, Load
from tropism.server.serving.placement import INFERENCE as INFERENCE
from tropism.server.tables.compute_pools import worker, worker_model

REMEMBERED_DAYS = 30
"""A pool whose last worker was seen longer ago is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker as it presents itself. No two that run at the same time have the same name."""

    name: str
    pool: str
    machine: str
    capabilities: Sequence[str]
    devices: Sequence[str]
    address: str | None = None
    """Where engines ask it for answers, if it answers for models."""


def announce(transaction: Writing, member: Member) -> None:
    """Say that a worker begins."""
    now = milliseconds(transaction.now)
    values = {
        "pool": member.pool,
        "machine": member.machine,
        "capabilities": list(member.capabilities),
        "devices": list(member.devices),
        "address": member.address,
        "started_ms": now,
        "seen_ms": now,
    }
    if not transaction.run(update(worker).where(worker.c.name == member.name).values(**values)):
        transaction.run(insert(worker).values(id=transaction.new_id(), name=member.name, **values))
    if member.address is not None:
        transaction.touch()


def beat(transaction: Writing, member: Member, load: Load = IDLE) -> bool:
    """Say that a worker lives, and how busy it is. Whether others had thought it gone."""
    before = transaction.value(select(worker.c.seen_ms).where(worker.c.name == member.name))
    if not before:  # forgotten, or thought gone
        announce(transaction, member)
    values = {"running_requests": load.running, "waiting_requests": load.waiting}
    now = milliseconds(transaction.now)
    transaction.run(update(worker).where(worker.c.name == member.name).values(seen_ms=now, **values))
    return not before


def leave(transaction: Writing, name: str) -> None:
    """A worker has ended, and holds nothing any more."""
    answers = transaction.value(select(worker.c.address).where(worker.c.name == name)) is not None
    transaction.run(update(worker).where(worker.c.name == name).values(seen_ms=0))
    if answers:
        transaction.run(delete(worker_model).where(worker_model.c.worker == name))
        transaction.touch()


def answering_signs(session: Reading) -> dict[str, int]:
    """When each worker that answers for models was seen last, by its own clock."""
    there = select(worker.c.name, worker.c.seen_ms).where(worker.c.address.is_not(None), worker.c.seen_ms > 0)
    return {row.name: row.seen_ms for row in session.rows(there)}


def bury(transaction: Writing, silent: Mapping[str, int]) -> None:
    """Take those for gone that have given no sign since that moment; one that lives comes back with its next sign."""
    for name, seen_ms in silent.items():
        if transaction.value(select(worker.c.seen_ms).where(worker.c.name == name)) == seen_ms:
            leave(transaction, name)


def tidy(transaction: Writing) -> None:
    """Forget the workers that left, but for the last one of a pool; and pools where nobody was for long."""
    before = milliseconds(transaction.now - timedelta(days=REMEMBERED_DAYS))
    last = select(func.max(worker.c.started_ms)).group_by(worker.c.pool)
    transaction.run(delete(worker).where(worker.c.seen_ms == 0, worker.c.started_ms.not_in(last.scalar_subquery())))
    transaction.run(delete(worker).where(worker.c.seen_ms < before, worker.c.started_ms < before))


def alive(session: Reading, pool: str, gone_seconds: float) -> set[str]:
    """The names of the workers of a pool that were seen not so long ago."""
    wanted = select(worker.c.name).where(worker.c.pool == pool, worker.c.seen_ms > since_ms(session, gone_seconds))
    return {row.name for row in session.rows(wanted)}


def signs(session: Reading, pool: str) -> dict[str, int]:
    """When each worker of a pool was seen last, by its own clock; 0 if it has left."""
    rows = session.rows(select(worker.c.name, worker.c.seen_ms).where(worker.c.pool == pool))
    return {row.name: row.seen_ms for row in rows}


def is_known(session: Reading, pool: str) -> bool:
    """Whether there is such a pool."""
    return pool == DEFAULT_POOL or session.row(select(worker.c.id).where(worker.c.pool == pool).limit(1)) is not None


def known(session: Reading) -> list[str]:
    """The keys of all pools."""
    return sorted({DEFAULT_POOL, *(row.pool for row in session.rows(select(worker.c.pool).distinct()))})


def since_ms(session: Reading, gone_seconds: float) -> int:
    """The moment before which a worker that was seen last is gone."""
    return milliseconds(session.now) - int(gone_seconds * 1000)
