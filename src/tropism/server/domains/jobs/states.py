"""What a worker may change of a job: each change names the attempt it belongs to, and is in vain when that is over.

A job that was canceled, or that another worker has begun anew, takes nothing more from a worker that has not heard of
it yet: `Stopped` is raised within the same transaction, so nothing is half stored either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from tropism.server.clock import milliseconds
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools import service as compute_pools
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.jobs.service import UNFINISHED
from tropism.server.tables.jobs import job, job_log

MOST_DEATHS = 3
"""A job under which so many workers died without coming further is given up: it would take down the next, too."""
LONGEST_ERROR = 2_000
Level = Literal["info", "warning", "error"]


class Stopped(Exception):
    """The job was canceled, or is not this worker's any more."""


def begin(transaction: Writing, id: UUID, worker: str | None = None) -> Row[Any] | None:
    """Begin a new attempt and return the job's row; None if it has ended. Whoever held it before can write no more."""
    row = transaction.row(select(job).where(job.c.id == id, job.c.status.in_(UNFINISHED)))
    if row is None:
        return None
    died = row.status == "RUNNING"
    if died and row.deaths + 1 >= MOST_DEATHS:
        fail(
            transaction,
            id,
            row.attempt,
            f"{MOST_DEATHS} workers died at this place; the job's log tells how far it came",
        )
        return None
    now = milliseconds(transaction.now)
    values = {"heartbeat_ms": now, "progress_ms": now, "started_ms": row.started_ms or now}
    values |= {"status": "RUNNING", "attempt": row.attempt + 1, "deaths": row.deaths + died, "error": None}
    values |= {"worker": worker}
    transaction.run(update(job).where(job.c.id == id).values(**values))
    if died:
        note(transaction, id, row.attempt + 1, "warning", f"its worker died; attempt {row.attempt + 1} goes on")
    return transaction.row(select(job).where(job.c.id == id))


def hand_back(transaction: Writing, id: UUID, attempt: int) -> None:
    """The worker is told to stop: another one may go on at once, and this is no death."""
    _change(transaction, id, attempt, status="PENDING")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that is not done."""

    id: UUID
    capability: str


def unfinished(session: Reading, pool: str, capabilities: Sequence[str]) -> list[Waiting]:
    """The jobs that wait or run in a pool, oldest first."""
    columns = select(job.c.id, job.c.capability)
    rows = session.rows(columns.where(*_waiting(pool, capabilities)).order_by(job.c.id))
    return [Waiting(row.id, row.capability) for row in rows]


def is_unfinished(session: Reading, pool: str, capabilities: Sequence[str]) -> bool:
    """Whether a pool has anything to do."""
    return session.row(select(job.c.id).where(*_waiting(pool, capabilities)).limit(1)) is not None


def _waiting(pool: str, capabilities: Sequence[str]) -> tuple[Any, ...]:
    return job.c.status.in_(UNFINISHED), job.c.pool == pool, job.c.capability.in_(capabilities)


def beat(transaction: Writing, id: UUID, attempt: int) -> None:
    """Say that the worker is alive."""
    _change(transaction, id, attempt, heartbeat_ms=milliseconds(transaction.now))


def is_ours(session: Reading, id: UUID, attempt: int) -> bool:
    """Whether the job still runs, and in this attempt."""
    return session.row(select(job.c.id).where(*_mine(id, attempt))) is not None


def is_canceled(session: Reading, id: UUID) -> bool:
    """Whether somebody canceled the job."""
    return session.row(select(job.c.id).where(job.c.id == id, job.c.status == "CANCELED")) is not None


def last_progress_ms(session: Reading, id: UUID) -> int:
    return int(session.value(select(job.c.progress_ms).where(job.c.id == id)))


def secret(session: Reading, id: UUID) -> bytes | None:
    """What a job needs and nobody may see, as it is encrypted; None if there is nothing, or the job has ended."""
    found: bytes | None = session.value(select(job.c.secret).where(job.c.id == id))
    return found


def explain_waiting(transaction: Writing, pool: str, capabilities: Sequence[str], reason: str) -> None:
    """Say on the jobs that wait why nothing happens; it is taken back when one is begun."""
    transaction.run(update(job).where(*_waiting(pool, capabilities), job.c.status == "PENDING").values(error=reason))


def explain_empty_pools(transaction: Writing, gone_seconds: float) -> None:
    """Say it on the jobs of pools where nobody is: they wait until somebody comes."""
    for row in transaction.rows(
        select(job.c.pool).where(job.c.status == "PENDING", job.c.pool != DEFAULT_POOL).distinct()
    ):
        if not compute_pools.alive(transaction, row.pool, gone_seconds):
            reason = f"no worker is in the pool {row.pool!r}; start one with `tropism worker --pool {row.pool}`"
            waits = update(job).where(job.c.status == "PENDING", job.c.pool == row.pool)
            transaction.run(waits.values(error=reason))


def processed(session: Reading, id: UUID, name: str) -> int:
    """How many samples of a stage are done."""
    stages = session.value(select(job.c.stages).where(job.c.id == id))
    return next(int(stage["processed"]) for stage in stages if stage["name"] == name)


def begin_stage(transaction: Writing, id: UUID, attempt: int, name: str, total: int | None) -> None:
    """A stage starts, or goes on in a new attempt."""
    now = milliseconds(transaction.now)
    stage = _stage(transaction, id, attempt, name)
    stage |= {"status": "RUNNING", "started_ms": stage.get("started_ms") or now, "ended_ms": None}
    if total is not None:
        stage["total"] = total
    _keep_stage(transaction, id, attempt, stage)


def advance(transaction: Writing, id: UUID, attempt: int, name: str, by: int) -> None:
    """So many more samples are done."""
    stage = _stage(transaction, id, attempt, name)
    _keep_stage(transaction, id, attempt, stage | {"processed": stage["processed"] + by}, deaths=0)


def end_stage(transaction: Writing, id: UUID, attempt: int, name: str) -> None:
    stage = _stage(transaction, id, attempt, name)
    _keep_stage(transaction, id, attempt, stage | {"status": "COMPLETED", "ended_ms": milliseconds(transaction.now)})


def note(transaction: Writing, id: UUID, attempt: int, level: Level, message: str) -> None:
    """Add a line to the job's log."""
    now = milliseconds(transaction.now)
    _change(transaction, id, attempt, progress_ms=now)
    last = transaction.value(select(func.max(job_log.c.number)).where(job_log.c.job_id == id)) or 0
    line = {"job_id": id, "number": last + 1, "at_ms": now, "level": level, "message": message}
    transaction.run(insert(job_log).values(**line))


def complete(transaction: Writing, id: UUID, attempt: int, result: dict[str, Any] | None) -> None:
    """The job is done. Stages that had nothing to do are, too."""
    now = milliseconds(transaction.now)
    stages = [
        stage | {"status": "COMPLETED", "ended_ms": stage.get("ended_ms") or now}
        for stage in _row(transaction, id, attempt).stages
    ]
    _change(transaction, id, attempt, status="COMPLETED", result=result, stages=stages, ended_ms=now, secret=None)


def fail(transaction: Writing, id: UUID, attempt: int, reason: str) -> None:
    """The job ends with an error; what it has stored stays."""
    now = milliseconds(transaction.now)
    row = transaction.row(select(job).where(job.c.id == id, job.c.attempt == attempt, job.c.status.in_(UNFINISHED)))
    if row is None:
        raise Stopped
    stages = [stage | {"status": "FAILED"} if stage["status"] == "RUNNING" else stage for stage in row.stages]
    values = {"status": "FAILED", "error": reason[:LONGEST_ERROR], "stages": stages, "ended_ms": now, "secret": None}
    transaction.run(update(job).where(job.c.id == id).values(**values))


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of a running job."""

    id: UUID
    attempt: int
    heartbeat_ms: int | None


def beats(session: Reading) -> list[Beat]:
    """That of each running job."""
    rows = session.rows(select(job.c.id, job.c.attempt, job.c.heartbeat_ms).where(job.c.status == "RUNNING"))
    return [Beat(row.id, row.attempt, row.heartbeat_ms) for row in rows]


def fail_unheard(transaction: Writing, silent: Sequence[Beat], seconds: float) -> None:
    """End the jobs of which nothing was heard for so long after a beat: a stall is an error, not a silence."""
    still = {*beats(transaction)}
    for beat in silent:
        if beat in still:
            fail(transaction, beat.id, beat.attempt, f"no worker has been heard of for {seconds:g} seconds")


def _mine(id: UUID, attempt: int) -> tuple[Any, ...]:
    return job.c.id == id, job.c.attempt == attempt, job.c.status == "RUNNING"


def _row(session: Reading, id: UUID, attempt: int) -> Row[Any]:
    row = session.row(select(job).where(*_mine(id, attempt)))
    if row is None:
        raise Stopped
    return row


def _change(transaction: Writing, id: UUID, attempt: int, **values: Any) -> None:
    if not transaction.run(update(job).where(*_mine(id, attempt)).values(**values)):
        raise Stopped


def _stage(session: Reading, id: UUID, attempt: int, name: str) -> dict[str, Any]:
    stages = {stage["name"]: stage for stage in _row(session, id, attempt).stages}
    if name not in stages:
        raise LookupError(f"job {id} has no stage {name!r}")
    return dict(stages[name])


def _keep_stage(transaction: Writing, id: UUID, attempt: int, stage: dict[str, Any], **values: Any) -> None:
    stages = [stage if each["name"] == stage["name"] else each for each in _row(transaction, id, attempt).stages]
    _change(transaction, id, attempt, stages=stages, progress_ms=milliseconds(transaction.now), **values)
