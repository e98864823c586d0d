"""Keeps a worker process beside the server for as long as there are jobs: none is started before the first one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator

import msgspec

from tropism.server.background import alongside
from tropism.server.context import Services
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.jobs import states
from tropism.server.domains.jobs.service import CAPABILITIES
from tropism.server.errors import DatabaseAway, StorageFailed
from tropism.server.identity.principal import SYSTEM

LOOK_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a worker that died is replaced; doubled each time."""
GOODBYE_SECONDS = 25.0
log = logging.getLogger("tropism.jobs")


@contextlib.asynccontextmanager
async def workers(services: Services, wake: asyncio.Event) -> AsyncIterator[None]:
    """Jobs are done within this block; at its end they are handed back, to go on at the next start."""
    async with alongside(_supervise(services, wake)):
        yield


async def _supervise(services: Services, wake: asyncio.Event) -> None:
    pause = FIRST_PAUSE
    while True:
        await _job_waits(services, wake)
        code = await _run_worker(services)
        if code == 0:
            pause = FIRST_PAUSE
            continue
        reason = f"the worker ended with code {code}; another one starts in {pause:g} seconds"
        log.warning(reason)
        with contextlib.suppress(StorageFailed):
            waits = f"{reason}; the server's log says more"
            await services.database.write(SYSTEM, states.explain_waiting, DEFAULT_POOL, CAPABILITIES, waits)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _job_waits(services: Services, wake: asyncio.Event) -> None:
    while not await _is_job_waiting(services):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await wake.wait()
        wake.clear()


async def _is_job_waiting(services: Services) -> bool:
    """Nobody can begin a job while the database is away."""
    try:
        return await services.database.read(SYSTEM, states.is_unfinished, DEFAULT_POOL, CAPABILITIES)
    except DatabaseAway as error:
        log.warning("whether there are jobs to do is not known: %s", error)
        return False


async def _run_worker(services: Services) -> int:
    """Run a worker to its end; it is told to stop when we are."""
    # -P keeps this folder off its path. A session of its own keeps a Ctrl-C that is meant for us from reaching it.
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tropism.server.jobs.embedded"),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert worker.stdin
    try:
        worker.stdin.write(msgspec.json.encode(services.settings, enc_hook=str) + b"\n")
        return await worker.wait()
    finally:
        worker.stdin.close()
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await worker.wait()
        except TimeoutError:
            worker.kill()
            await worker.wait()
