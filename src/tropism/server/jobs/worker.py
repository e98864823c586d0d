"""A worker: a process of its own that does the jobs of one compute pool, and answers for its models."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any
from uuid import UUID

from tropism.server import snapshot
from tropism.server.background import Background
from tropism.server.clock import Clock, milliseconds
from tropism.server.context import Process
from tropism.server.database.connect import Database
from tropism.server.domains.compute_pools import service as compute_pools
from tropism.server.domains.compute_pools.service import INFERENCE
from tropism.server.domains.jobs import service, states
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.secrets import Secrets, master_key
from tropism.server.jobs.attempt import attempt
from tropism.server.jobs.engines import Engines
from tropism.server.jobs.presence import Presence
from tropism.server.jobs.queue import Queue
from tropism.server.membership import announced
from tropism.server.serving.inference import answering
from tropism.server.settings import Settings

LOOK_SECONDS = 0.5
log = logging.getLogger("tropism.jobs")
DOMAINS_WITH_JOBS = ("datasets", "evaluation", "models", "training")


def load_functions() -> None:
    """Import what the kinds of jobs do."""
    for domain in DOMAINS_WITH_JOBS:
        import_module(f"tropism.server.domains.{domain}.jobs")


async def work(
    settings: Settings,
    pool: str,
    stop: asyncio.Event,
    *,
    name: str,
    idle: float | None = None,
    capabilities: Sequence[str] = service.CAPABILITIES,
    listening: socket.socket | None = None,
) -> None:
    """Do the pool's work until `stop` is set, or until there was no job for `idle` seconds.

    `name` is the worker's own: the same after a restart, so that it finds what it held, and no other worker's. With a
    socket to listen on, it answers for models there.
    """
    async with _process(settings) as process, AsyncExitStack() as stack:
        more: dict[str, Any] = {}
        if listening is not None:
            here = await stack.enter_async_context(answering(process, name, pool, listening))
            more = {"load": here.load, "answers": here.answers}
        await stack.enter_async_context(announced(process, name, pool, capabilities, **more))
        if jobs := [each for each in capabilities if each != INFERENCE]:
            await _do_jobs(process, pool, stop, name, idle, jobs)
        else:
            await stop.wait()


async def _do_jobs(
    process: Process, pool: str, stop: asyncio.Event, name: str, idle: float | None, capabilities: Sequence[str]
) -> None:
    attempts, settings = Attempts(process, name), process.settings
    queue = Queue(settings.jobs_url, pool, capabilities, worker=name, at_once=_at_once(settings, capabilities))
    await asyncio.to_thread(queue.start, attempts.do, asyncio.get_running_loop())
    try:
        await _offer(process, queue, pool, stop, idle)
    finally:
        await attempts.hand_back()


def _at_once(settings: Settings, capabilities: Sequence[str]) -> Mapping[str, int]:
    """How many jobs of each capability."""
    return {each: 1 if each in service.ONE_AT_ONCE else settings.jobs_at_once for each in capabilities}


class Attempts:
    """The jobs that this worker does at the moment, and the engines that they share."""

    def __init__(self, process: Process, worker: str) -> None:
        self._process, self._worker = process, worker
        self._engines = Engines(process)
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, id: UUID) -> None:
        task = asyncio.create_task(attempt(self._process, self._engines.engine, self._worker, id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await task

    async def hand_back(self) -> None:
        """Stop where they are: whoever comes next goes on from there."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._engines.close()


@asynccontextmanager
async def _process(settings: Settings) -> AsyncIterator[Process]:
    clock, background = Clock(), Background()
    secrets = Secrets(master_key(settings.secret_key, settings.data / "secret.key"))
    database = Database(
        settings.database_url, clock, snapshot.load, snapshot.version, max_pending_writes=settings.max_pending_writes
    )
    await database.open()
    try:
        yield Process(settings=settings, clock=clock, secrets=secrets, database=database, spawn=background.spawn)
    finally:
        await background.finish()
        await database.close()


async def _offer(process: Process, queue: Queue, pool: str, stop: asyncio.Event, idle: float | None) -> None:
    """Hand over what waits, again and again, and what is held by workers that are gone."""
    quiet_since = process.clock.monotonic()
    presence = Presence(process.clock.monotonic, process.settings.worker_gone_seconds)
    while not stop.is_set():
        now = process.clock.monotonic()
        try:
            if await _hand_over(process, queue, pool, presence):
                quiet_since = now
            elif idle is not None and now - quiet_since > idle:
                return
        except Exception as error:  # the job engine has its own connection to the database, and errors of its own
            log.warning("jobs cannot be handed over at the moment: %s", error)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue


async def _hand_over(process: Process, queue: Queue, pool: str, presence: Presence) -> bool:
    """Whether any job waits or runs; those that nobody has are in the queue when this returns."""
    waiting = await process.database.read(SYSTEM, states.unfinished, pool, queue.capabilities)
    if waiting:
        signs = await process.database.read(SYSTEM, compute_pools.signs, pool)
        alive = presence.alive(signs, milliseconds(process.clock.now()))
        await asyncio.to_thread(queue.offer, waiting, alive)
    return bool(waiting)
