"""What engines and workers listen with: a socket, an event loop, uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn

from tropism.server.settings import Settings
from tropism.server.web.connections import guarded


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


def config(app: object, settings: Settings) -> uvicorn.Config:
    """How the application is served."""
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
