"""Jobs as rows: put in a queue with what they are about, looked up, canceled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, insert, select, update

from tropism.server.clock import EPOCH, milliseconds, time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools import service as compute_pools
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, NotFound
from tropism.server.identity.grants import seen_by
from tropism.server.identity.principal import Principal
from tropism.server.tables.jobs import job, job_log
from tropism.server.tables.use_cases import use_case
from tropism.wire import jobs as wire

UNFINISHED = ("PENDING", "RUNNING")
CAPABILITIES = ("evaluation", "models", "training")
"""What a worker can do, unless it is told to do less."""
ONE_AT_ONCE = ("training",)
"""What takes all that a machine has: a worker does one such job after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a job is about. `request` is a struct that the job's function is given back; `stages` name its parts.

    `secret` is sealed for `secret_place(id)`, so that whoever has one gives the `id`, too.
    """

    kind: wire.JobKind
    name: str
    team_id: UUID
    use_case_id: UUID | None = None
    """None: the job concerns no use case, and all of the team see it."""
    request: msgspec.Struct
    stages: Sequence[str]
    pool: str = DEFAULT_POOL
    capability: str = "evaluation"
    id: UUID | None = None
    secret: bytes | None = None


def enqueue(transaction: Writing, new: NewJob) -> wire.Job:
    """Put a job into its pool's queue. The row is the queue's entry: both are there, or neither."""
    if not compute_pools.is_known(transaction, new.pool):
        there = ", ".join(map(repr, compute_pools.known(transaction)))
        raise NotFound(
            f"no compute pool {new.pool!r}; there are {there}; `tropism worker --pool {new.pool}` makes it",
            param="compute_pool",
        )
    id = new.id or transaction.new_id()
    transaction.run(
        insert(job).values(
            id=id,
            kind=new.kind,
            name=new.name,
            team_id=new.team_id,
            use_case_id=new.use_case_id,
            user_id=transaction.principal.user_id,
            pool=new.pool,
            capability=new.capability,
            status="PENDING",
            request=msgspec.to_builtins(new.request),
            secret=new.secret,
            stages=[{"name": name, "status": "PENDING", "processed": 0} for name in new.stages],
            attempt=0,
            deaths=0,
        )
    )
    return view(transaction, id)


def secret_place(id: UUID) -> str:
    """What a job's secret is encrypted for: elsewhere it does not decrypt."""
    return f"job:{id}:secret"


def find(session: Reading, id: UUID) -> Row[Any]:
    """The job's row, with the key of its use case as `use_case_key`."""
    row = session.row(_jobs().where(job.c.id == id))
    if row is None or not session.sees(row.team_id, row.use_case_id):
        raise NotFound(f"no job {id}; jobs.list() shows them", param="job")
    return row


def is_seen(session: Reading, id: UUID) -> bool:
    """Whether the caller may know of this job."""
    row = session.row(select(job.c.team_id, job.c.use_case_id).where(job.c.id == id))
    return row is not None and session.principal.sees(row.team_id, row.use_case_id)


def view(session: Reading, id: UUID) -> wire.Job:
    return shown(find(session, id))


def get(session: Reading, request: wire.JobReference) -> wire.Job:
    return view(session, request.job)


def list_jobs(session: Reading, request: wire.JobFilter) -> wire.Jobs:
    """A page of the jobs of the caller's teams."""
    wanted = _jobs().where(_seen_by(session.principal)).order_by(job.c.id.desc()).limit(request.limit)
    if request.kind is not None:
        wanted = wanted.where(job.c.kind == request.kind)
    if request.status is not None:
        wanted = wanted.where(job.c.status == request.status)
    if request.use_case is not None:
        wanted = wanted.where(job.c.use_case_id == use_cases.find(session, request.use_case).id)
    if request.after is not None:
        wanted = wanted.where(job.c.id < request.after)
    return wire.Jobs(jobs=[shown(row) for row in session.rows(wanted)])


def logs(session: Reading, request: wire.JobLogsFilter) -> wire.JobLogs:
    """Lines of one job's log, oldest first."""
    id = find(session, request.job).id
    wanted = select(job_log).where(job_log.c.job_id == id, job_log.c.number > request.after)
    rows = session.rows(wanted.order_by(job_log.c.number).limit(request.limit))
    lines = [wire.LogLine(number=row.number, at=_time(row.at_ms), level=row.level, message=row.message) for row in rows]
    return wire.JobLogs(lines=lines)


def cancel(transaction: Writing, request: wire.JobReference) -> wire.Job:
    """End a job; its worker hears of it within a second, and can store nothing more from now on."""
    row = find(transaction, request.job)
    now = milliseconds(transaction.now)
    # Not a state that a worker could still leave: what it does after this commit is in vain.
    changed = update(job).where(job.c.id == row.id, job.c.status.in_(UNFINISHED))
    stages = [stage if stage["status"] == "COMPLETED" else stage | {"status": "CANCELED"} for stage in row.stages]
    values = {"status": "CANCELED", "ended_ms": now, "stages": stages, "secret": None}
    if not transaction.run(changed.values(**values)) and row.status != "CANCELED":
        raise Conflict(f"job {row.id} has ended already: {row.status}", param="job")
    return view(transaction, row.id)


def shown(row: Row[Any]) -> wire.Job:
    """The row as callers see it."""
    return wire.Job(
        id=row.id,
        kind=row.kind,
        name=row.name,
        use_case=row.use_case_key,
        compute_pool=row.pool,
        status=row.status,
        stages=[_stage(stage) for stage in row.stages],
        attempt=row.attempt,
        error=row.error,
        result=row.result,
        created_at=time_of(row.id),
        started_at=_time(row.started_ms),
        ended_at=_time(row.ended_ms),
    )


def _jobs() -> Any:
    columns = select(job, use_case.c.key.label("use_case_key"))
    return columns.outerjoin(use_case, use_case.c.id == job.c.use_case_id)


def _seen_by(principal: Principal) -> ColumnElement[bool]:
    """The condition that a job is there for the caller, as `Principal.sees` says it of one."""
    if principal.only is not None:
        return seen_by(principal)
    return seen_by(principal) | (job.c.use_case_id.is_(None) & job.c.team_id.in_(principal.grants))


def _stage(kept: Mapping[str, Any]) -> wire.Stage:
    return wire.Stage(
        name=kept["name"],
        status=kept["status"],
        processed=kept["processed"],
        total=kept.get("total"),
        started_at=_time(kept.get("started_ms")),
        ended_at=_time(kept.get("ended_ms")),
    )


def _time(ms: int | None) -> Any:
    return None if ms is None else EPOCH + timedelta(milliseconds=ms)
