"""One attempt at a job: the function runs, a pulse beside it tells that it lives and hears whether it should stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from tropism.engines.protocol import EngineError
from tropism.server.context import Process
from tropism.server.domains.jobs import states
from tropism.server.domains.jobs.states import Stopped
from tropism.server.errors import DatabaseAway, TropismError
from tropism.server.identity.grants import principal_of
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.protocol import FUNCTIONS, Borrow, JobFailed, Run

LISTEN_SECONDS = 0.5
BEAT_EVERY = 10
"""So many times as it listens for a cancel, it says that it is alive."""
AWAY_SECONDS = 1.0
"""How often to see whether a database that went away is there again."""
log = logging.getLogger("tropism.jobs")


class Stalled(Exception):
    """The function came no further for too long."""


@dataclass(slots=True)
class Progress:
    """Since when a job stands where it stands: by a clock that nobody sets, unlike the one that its row names."""

    since: float
    mark: int

    def came_further(self, mark: int, now: float) -> bool:
        """Whether this is another mark than before."""
        if mark == self.mark:
            return False
        self.mark, self.since = mark, now
        return True


async def attempt(process: Process, engine: Borrow, worker: str, id: UUID) -> None:
    """Do a job to its end, whichever that is, and write it down. Raises only when even that is impossible."""
    row = await process.database.write(SYSTEM, states.begin, id, worker)
    if row is None:
        return
    request, function = FUNCTIONS[row.kind]
    principal = await process.database.read(SYSTEM, principal_of, row.user_id)
    run = Run(
        id=id,
        attempt=row.attempt,
        request=msgspec.convert(row.request, request),
        principal=principal,
        services=process,
        engine=engine,
    )
    progress = Progress(process.clock.monotonic(), row.progress_ms)
    try:
        result = await _with_pulse(run, progress, asyncio.ensure_future(function(run)))
        await process.database.write(SYSTEM, states.complete, id, run.attempt, result)
    except Stopped:
        log.info("job %s is not ours any more", id)
    except DatabaseAway as error:
        log.warning("job %s waits for the database: %s", id, error)
        await _hand_back_later(run)
    except asyncio.CancelledError:
        await asyncio.shield(_hand_back(run))
        raise
    except Exception as error:
        await _fail(run, error)


async def _with_pulse(
    run: Run[msgspec.Struct], progress: Progress, work: asyncio.Future[dict[str, Any] | None]
) -> dict[str, Any] | None:
    """The function's result; it is cancelled when the job stops being ours, or when it stalls."""
    pulse = asyncio.ensure_future(_pulse(run, progress))
    try:
        await asyncio.wait((work, pulse), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await pulse  # it has ended first, so it raises
        return await work
    finally:
        for task in (work, pulse):
            task.cancel()
        await asyncio.gather(work, pulse, return_exceptions=True)


async def _pulse(run: Run[msgspec.Struct], progress: Progress) -> None:
    for turn in range(1, 2**63):
        await asyncio.sleep(LISTEN_SECONDS)
        with contextlib.suppress(DatabaseAway):  # the work may do without it for a while
            await _look(run, progress, is_beat=turn % BEAT_EVERY == 0)


async def _look(run: Run[msgspec.Struct], progress: Progress, *, is_beat: bool) -> None:
    """See whether the job is still ours, say now and then that it lives, and end it if it comes no further."""
    database, patience, now = (
        run.services.database,
        run.services.settings.job_stall_seconds,
        run.services.clock.monotonic(),
    )
    if not await database.read(SYSTEM, states.is_ours, run.id, run.attempt):
        raise Stopped
    if is_beat:
        await database.write(SYSTEM, states.beat, run.id, run.attempt)
        if progress.came_further(await database.read(SYSTEM, states.last_progress_ms, run.id), now):
            return
        if now - progress.since > patience:
            raise Stalled(f"it came no further for {patience:g} seconds")


async def _fail(run: Run[msgspec.Struct], error: Exception) -> None:
    expected = isinstance(error, JobFailed | TropismError | EngineError | Stalled)
    if not expected:
        log.error("job %s failed", run.id, exc_info=error)
    reason = str(error) if expected else f"an error on our side ({type(error).__name__}: {error}); see the server's log"
    try:
        await run.services.database.write(SYSTEM, states.fail, run.id, run.attempt, reason)
    except Stopped:
        log.info("job %s failed after it was stopped: %s", run.id, reason)


async def _hand_back_later(run: Run[msgspec.Struct]) -> None:
    """The job goes on, here or elsewhere, as soon as there is a database to say so."""
    while True:
        try:
            return await _hand_back(run)
        except DatabaseAway:
            await asyncio.sleep(AWAY_SECONDS)


async def _hand_back(run: Run[msgspec.Struct]) -> None:
    try:
        await run.services.database.write(SYSTEM, states.hand_back, run.id, run.attempt)
    except Stopped:
        log.info("job %s had ended", run.id)
