"""Workers say that they are there; pools are what their workers make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from tropism.server.clock import EPOCH, milliseconds
from tropism.server.database.session import Reading, Writing
from tropism.server.tables.compute_pools import worker
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model
from tropism.wire import compute_pools as wire
from tropism.wire.page import Nothing

DEFAULT_POOL = "default"
INFERENCE = "inference"
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


def announce(transaction: Writing, member: Member) -> None:
    """Say that a worker begins."""
    now = milliseconds(transaction.now)
    values = {
        "pool": member.pool,
        "machine": member.machine,
        "capabilities": list(member.capabilities),
        "devices": list(member.devices),
        "started_ms": now,
        "seen_ms": now,
    }
    if not transaction.run(update(worker).where(worker.c.name == member.name).values(**values)):
        transaction.run(insert(worker).values(id=transaction.new_id(), name=member.name, **values))


def beat(transaction: Writing, member: Member) -> None:
    """Say that a worker lives."""
    changed = update(worker).where(worker.c.name == member.name)
    if not transaction.run(changed.values(seen_ms=milliseconds(transaction.now))):
        announce(transaction, member)


def leave(transaction: Writing, name: str) -> None:
    """A worker has ended, and holds nothing any more."""
    transaction.run(update(worker).where(worker.c.name == name).values(seen_ms=0))


def tidy(transaction: Writing) -> None:
    """Forget the workers that left, but for the last one of a pool; and pools where nobody was for long."""
    before = milliseconds(transaction.now - timedelta(days=REMEMBERED_DAYS))
    last = select(func.max(worker.c.started_ms)).group_by(worker.c.pool)
    transaction.run(delete(worker).where(worker.c.seen_ms == 0, worker.c.started_ms.not_in(last.scalar_subquery())))
    transaction.run(delete(worker).where(worker.c.seen_ms < before, worker.c.started_ms < before))


def alive(session: Reading, pool: str, gone_seconds: float) -> set[str]:
    """The names of the workers of a pool that were seen not so long ago."""
    wanted = select(worker.c.name).where(worker.c.pool == pool, worker.c.seen_ms > _since(session, gone_seconds))
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


def list_pools(session: Reading, request: Nothing, *, gone_seconds: float) -> wire.ComputePools:
    """Every pool, with those who work in it."""
    since, workers = _since(session, gone_seconds), defaultdict(list)
    for row in session.rows(select(worker).where(worker.c.seen_ms > since).order_by(worker.c.id)):
        workers[row.pool].append(row)
    jobs = _jobs(session)
    online = _online(session)
    return wire.ComputePools(
        compute_pools=[_pool(key, workers[key], jobs, online if key == DEFAULT_POOL else []) for key in known(session)]
    )


Jobs = dict[tuple[str, str, str | None], int]
"""How many there are, by pool, status and the worker that has them."""


def _pool(key: str, workers: Sequence[Row[Any]], jobs: Jobs, online: list[str]) -> wire.ComputePool:
    shown = [_worker(row, jobs.get((key, "RUNNING", row.name), 0)) for row in workers]
    return wire.ComputePool(
        key=key,
        name=key,
        capabilities=sorted({each for row in shown for each in row.capabilities}),
        workers=shown,
        devices=_devices(workers),
        waiting_jobs=_count(jobs, key, "PENDING"),
        running_jobs=_count(jobs, key, "RUNNING"),
        models_online=online,
    )


def _worker(row: Row[Any], running: int) -> wire.Worker:
    return wire.Worker(
        id=row.id,
        machine=row.machine,
        capabilities=row.capabilities,
        devices=row.devices,
        running_jobs=running,
        started_at=EPOCH + timedelta(milliseconds=row.started_ms),
        seen_at=EPOCH + timedelta(milliseconds=row.seen_ms),
    )


def _devices(workers: Sequence[Row[Any]]) -> list[str]:
    """Each machine's devices once, however many workers share them."""
    by_machine = {row.machine: row.devices for row in workers}
    return [device for devices in by_machine.values() for device in devices]


def _jobs(session: Reading) -> Jobs:
    columns = select(job.c.pool, job.c.status, job.c.worker, func.count().label("number"))
    counted = columns.where(job.c.status.in_(("PENDING", "RUNNING"))).group_by(job.c.pool, job.c.status, job.c.worker)
    return {(row.pool, row.status, row.worker): row.number for row in session.rows(counted)}


def _count(jobs: Jobs, pool: str, status: str) -> int:
    return sum(number for (each, state, _), number in jobs.items() if (each, state) == (pool, status))


def _online(session: Reading) -> list[str]:
    rows = session.rows(select(model.c.key).where(model.c.online == "ONLINE").order_by(model.c.key))
    return [row.key for row in rows]


def _since(session: Reading, gone_seconds: float) -> int:
    return milliseconds(session.now) - int(gone_seconds * 1000)
