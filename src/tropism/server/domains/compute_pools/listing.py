"""Compute pools as callers see them: who works there, with what, how busy, and which models answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select

from tropism.server.clock import EPOCH
from tropism.server.database.session import Reading
from tropism.server.domains.compute_pools.service import DEFAULT_POOL, INFERENCE, known, since_ms
from tropism.server.serving import placement
from tropism.server.tables.compute_pools import worker
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model
from tropism.wire import compute_pools as wire
from tropism.wire.page import Nothing


def list_pools(session: Reading, request: Nothing, *, gone_seconds: float) -> wire.ComputePools:
    """Every pool, with those who work in it."""
    since, workers = since_ms(session, gone_seconds), defaultdict(list)
    for row in session.rows(select(worker).where(worker.c.seen_ms > since).order_by(worker.c.id)):
        workers[row.pool].append(row)
    jobs, online = _jobs(session), _online(session)
    return wire.ComputePools(compute_pools=[_pool(key, workers[key], jobs, online) for key in known(session)])


Jobs = dict[tuple[str, str, str | None], int]
"""How many there are, by pool, status and the worker that has them."""


Online = Mapping[str, set[str]]
"""The keys of the models that answer, by the name of the worker; of the engines, by that of their pool."""


def _pool(key: str, workers: Sequence[Row[Any]], jobs: Jobs, online: Online) -> wire.ComputePool:
    shown = [_worker(row, jobs.get((key, "RUNNING", row.name), 0), online) for row in workers]
    models = online.get(key, set()).union(*(each.models_online for each in shown))
    return wire.ComputePool(
        key=key,
        name=key,
        capabilities=sorted({each for row in shown for each in row.capabilities}),
        workers=shown,
        devices=_devices(workers),
        waiting_jobs=_count(jobs, key, "PENDING"),
        running_jobs=_count(jobs, key, "RUNNING"),
        models_online=sorted(models),
        running_requests=sum(each.running_requests for each in shown),
        waiting_requests=sum(each.waiting_requests for each in shown),
    )


def _worker(row: Row[Any], running: int, online: Online) -> wire.Worker:
    is_engine = row.pool == DEFAULT_POOL and INFERENCE in row.capabilities
    return wire.Worker(
        id=row.id,
        machine=row.machine,
        capabilities=row.capabilities,
        devices=row.devices,
        running_jobs=running,
        running_requests=row.running_requests or 0,
        waiting_requests=row.waiting_requests or 0,
        models_online=sorted(online.get(DEFAULT_POOL if is_engine else row.name, ())),
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


def _online(session: Reading) -> Online:
    keys = {row.id: row.key for row in session.rows(select(model.c.id, model.c.key))}
    found: dict[str, set[str]] = defaultdict(set)
    for each in placement.workers(session):
        found[each.name] = {keys[id] for id in each.models if each.has(id)}
    where = placement.pools(session)
    for row in session.rows(select(model).where(model.c.online == "ONLINE")):
        if DEFAULT_POOL in where.get(row.backbone_id or row.id, placement.ENGINES):
            found[DEFAULT_POOL].add(row.key)
    return found
