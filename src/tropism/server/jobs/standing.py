"""A worker that somebody starts: it does the jobs of one compute pool until it is told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from tropism.server.database.upgrades import NewerSchema, OlderEngines
from tropism.server.domains.jobs.service import CAPABILITIES
from tropism.server.jobs.worker import load_functions, work
from tropism.server.membership import place
from tropism.server.settings import Settings
from tropism.server.storage import storage_of

SECRET_KEY = "secret.key"
MOST_WORKERS = 1_000
"""Of one pool, in one data directory of one machine."""


class CannotWork(Exception):
    """The worker cannot begin; the message says what to do."""


def run(settings: Settings, pool: str, capabilities: Sequence[str], on_ready: Callable[[str], None]) -> None:
    """Work until SIGTERM or Ctrl-C: jobs are handed back, and go on elsewhere."""
    _refuse(settings, capabilities)
    storage_of(settings)  # what cannot be used is said now, and not when a job is half done
    settings.data.mkdir(parents=True, exist_ok=True)
    number, held = _number(settings.data, pool)
    name = f"{pool}/{place(settings)}/{number}"
    load_functions()
    with held:
        on_ready(name)
        try:
            asyncio.run(_work(settings, pool, capabilities, name))
        except (NewerSchema, OlderEngines) as error:
            raise CannotWork(str(error)) from error
        # Not a return: threads of the job engine would be waited for, and everything of ours is stored.
        os._exit(0)


async def _work(settings: Settings, pool: str, capabilities: Sequence[str], name: str) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await work(settings, pool, stop, name=name, capabilities=capabilities)


def _refuse(settings: Settings, capabilities: Sequence[str]) -> None:
    if unknown := sorted(set(capabilities) - set(CAPABILITIES)):
        raise CannotWork(f"a worker cannot do {', '.join(unknown)}; it can do {', '.join(CAPABILITIES)}")
    if settings.secret_key is None and not (settings.data / SECRET_KEY).exists():
        raise CannotWork(
            f"there is no master key: set TROPISM_SECRET_KEY to that of the engine, or --data to its directory "
            f"({settings.data} has no {SECRET_KEY})"
        )


def _number(data: Path, pool: str) -> tuple[int, IO[str]]:
    """The first number that no worker here has, and the file that keeps it ours; after a crash it is free again."""
    folder = data / "workers"
    folder.mkdir(exist_ok=True)
    for number in range(MOST_WORKERS):
        file = (folder / f"{platform.node()}.{pool}.{number}").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return number, file
    raise CannotWork(f"{MOST_WORKERS} workers of the pool {pool!r} run here already")
