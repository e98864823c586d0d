"""A worker that somebody starts: it does the jobs of one compute pool until it is told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from msgspec import ValidationError, convert

from tropism.server.database.upgrades import NewerSchema, OlderEngines
from tropism.server.domains.compute_pools.service import DEFAULT_POOL, INFERENCE
from tropism.server.domains.jobs.service import CAPABILITIES
from tropism.server.files.storage import storage_of
from tropism.server.jobs.worker import load_functions, work
from tropism.server.membership import place
from tropism.server.serving.inference import address_of
from tropism.server.settings import Settings
from tropism.server.web.listening import listen, new_event_loop
from tropism.wire.values import Key

SECRET_KEY = "secret.key"
MOST_WORKERS = 1_000
"""Of one pool, in one data directory of one machine."""


class CannotWork(Exception):
    """The worker cannot begin; the message says what to do."""


def run(
    settings: Settings, pool: str, capabilities: Sequence[str], on_ready: Callable[[str, str | None], None]
) -> None:
    """Work until SIGTERM or Ctrl-C: jobs are handed back, and go on elsewhere. `on_ready` hears name and address."""
    _refuse(settings, pool, capabilities)
    storage_of(settings)  # what cannot be used is said now, and not when a job is half done
    settings.data.mkdir(parents=True, exist_ok=True)
    number, held = _number(settings.data, pool)
    name = f"{pool}/{place(settings)}/{number}"
    load_functions()
    with held, _listening(settings, capabilities) as listening:
        on_ready(name, address_of(listening, settings) if listening else None)
        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(_work(settings, pool, capabilities, name, listening))
        except (NewerSchema, OlderEngines) as error:
            raise CannotWork(str(error)) from error
        # Not a return: threads of the job engine would be waited for, and everything of ours is stored.
        os._exit(0)


def _listening(settings: Settings, capabilities: Sequence[str]) -> AbstractContextManager[socket.socket | None]:
    """Where engines ask for answers."""
    if INFERENCE not in capabilities:
        return nullcontext()
    try:
        parts = urlsplit(f"//{settings.worker_listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise CannotWork(f"a worker listens on HOST:PORT, such as 0.0.0.0:8090, not on {settings.worker_listen!r}")
    return listen(host, port)


async def _work(
    settings: Settings, pool: str, capabilities: Sequence[str], name: str, listening: socket.socket | None
) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await work(settings, pool, stop, name=name, capabilities=capabilities, listening=listening)


def _refuse(settings: Settings, pool: str, capabilities: Sequence[str]) -> None:
    able = (*CAPABILITIES, INFERENCE)
    if unknown := sorted(set(capabilities) - set(able)):
        raise CannotWork(f"a worker cannot do {', '.join(unknown)}; it can do {', '.join(able)}")
    try:
        convert(pool, Key)
    except ValidationError:
        raise CannotWork(f"{pool!r} is no key of a pool: letters, digits, dots, dashes and underscores") from None
    if INFERENCE in capabilities and pool == DEFAULT_POOL:
        raise CannotWork("in the pool 'default' the engines themselves answer; name another one with --pool")
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
