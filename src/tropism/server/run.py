"""Run the server on a socket until SIGTERM or Ctrl-C: then drain, store, stop, and exit with 0."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from tropism.server.app import application
from tropism.server.clock import Clock
from tropism.server.connections import guarded
from tropism.server.settings import Settings


class CannotListen(Exception):
    """The address is not ours to listen on."""


class Server(uvicorn.Server):
    """uvicorn, with the signals left to us: its own handlers end the process with the signal, not with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one: it answers four times as many requests (benchmarks/overhead)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


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
            server = Server(_config(app, settings))
            serving = asyncio.create_task(server.serve([listening]))
            try:
                while not server.started:
                    await asyncio.sleep(0.005)
                _keep_what_is_there()
                yield url_of(listening)
            finally:
                app.state.stopping.set()
                server.should_exit = True
                await serving


def _keep_what_is_there() -> None:
    """Modules and tables stay: to look through all of them for garbage stops every request for 50 to 100 ms."""
    gc.collect()
    gc.freeze()


def _config(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        http=guarded(settings),
        ws="none",
        timeout_graceful_shutdown=settings.drain_seconds,
    )


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(f"port {port} of {host} is in use; choose another with --port, or 0 for any") from None
        raise CannotListen(f"cannot listen on port {port} of {host}: {error.strerror or error}") from None
    except OverflowError:
        raise CannotListen(f"there is no port {port}; ports go to 65535") from None


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
