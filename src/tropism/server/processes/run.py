"""Run the server on a socket until SIGTERM or Ctrl-C: then drain, store, stop, and exit with 0."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable

from tropism.server.app import application
from tropism.server.clock import Clock
from tropism.server.settings import Settings
from tropism.server.web.listening import Server, config, listen, url_of

YOUNG = 10_000
"""So many new objects, and Python looks for garbage among them (docs/decisions/0049)."""


async def serve(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until a signal comes. `on_ready` is called with the URL once requests can be served."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with running(settings) as url:
        on_ready(url)
        await stop.wait()


@contextlib.asynccontextmanager
async def running(
    settings: Settings, clock: Clock | None = None, given: socket.socket | None = None
) -> AsyncIterator[str]:
    """A running server, by its URL. On the way out, running requests may end first.

    With a `given` socket it is one of several engines, whose parent listens and holds the data directory.
    """
    with given or listen(settings.host, settings.port) as listening:
        async with application(settings, clock, is_held=given is not None) as app:
            server = Server(config(app, settings))
            serving = asyncio.create_task(server.serve([listening]))
            try:
                while not server.started:
                    await asyncio.sleep(0.005)
                _spare_the_collector()
                yield url_of(listening)
            finally:
                app.state.stopping.set()
                server.should_exit = True
                await serving


def _spare_the_collector() -> None:
    """Modules and tables stay: to look through all of them for garbage stops every request for 50 to 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
