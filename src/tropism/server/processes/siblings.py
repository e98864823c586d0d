"""Several engines behind one socket: `tropism serve --workers N`. The system gives each connection to one of them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

import msgspec

from tropism.server.processes import lock
from tropism.server.settings import Settings
from tropism.server.web.listening import listen, url_of

READY = b"ready\n"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before an engine that died is replaced; doubled as long as none comes up."""
GOODBYE_SECONDS = 30.0
"""To store and to stop, beyond the time that requests get to end."""
log = logging.getLogger("tropism")


class CannotStart(Exception):
    """An engine ended before it was ready; it has said why on standard error."""


async def serve(settings: Settings, number: int, on_ready: Callable[[str], None]) -> None:
    """Serve with so many engines until a signal comes; one that dies is replaced.

    The first one makes what a fresh engine needs, then the others start. `on_ready` is called with the URL after that.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    settings.data.mkdir(parents=True, exist_ok=True)
    with lock.take(settings.data, shared=not settings.is_one_file), listen(settings.host, settings.port) as listening:
        engines = [await _start(settings, listening, 0)]
        try:
            for each in range(1, number):
                engines.append(await _start(settings, listening, each))
            on_ready(url_of(listening))
            await _keep_all(settings, listening, engines, stop)
        finally:
            await asyncio.gather(*(_stop(settings, engine) for engine in engines))


async def _keep_all(settings: Settings, listening: socket.socket, engines: list[Process], stop: asyncio.Event) -> None:
    keeping = [asyncio.create_task(_keep(settings, listening, engines, each)) for each in range(len(engines))]
    await stop.wait()
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, return_exceptions=True)


async def _keep(settings: Settings, listening: socket.socket, engines: list[Process], place: int) -> None:
    pause = FIRST_PAUSE
    while True:
        code = await engines[place].wait()
        log.warning("engine %d of %d ended with code %s; another one starts", place + 1, len(engines), code)
        await asyncio.sleep(pause)
        try:
            engines[place] = await _start(settings, listening, place)
            pause = FIRST_PAUSE
        except CannotStart:
            pause = min(pause * 2, LONGEST_PAUSE)


async def _start(settings: Settings, listening: socket.socket, place: int) -> Process:
    """Start an engine, and wait until it is ready. Its settings come on standard input, whose end means to stop."""
    # A session of its own keeps a Ctrl-C that is meant for us from reaching it.
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tropism.server.processes.sibling", str(listening.fileno())),
        stdin=PIPE,
        stdout=PIPE,
        pass_fds=[listening.fileno()],
        start_new_session=True,
    )
    assert engine.stdin
    assert engine.stdout
    port = None if settings.metrics_port is None else settings.metrics_port + place
    own = msgspec.structs.replace(settings, metrics_port=port)
    engine.stdin.write(msgspec.json.encode(own, enc_hook=str) + b"\n")
    if await engine.stdout.readline() != READY:
        raise CannotStart(f"an engine ended with code {await engine.wait()} before it was ready")
    return engine


async def _stop(settings: Settings, engine: Process) -> None:
    """Let an engine end its requests, and wait for it."""
    assert engine.stdin
    engine.stdin.close()
    try:
        async with asyncio.timeout(settings.drain_seconds + GOODBYE_SECONDS):
            await engine.wait()
    except TimeoutError:
        engine.kill()
        await engine.wait()
