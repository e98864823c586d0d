"""A real server in a thread, for tests: real socket, real database, echo models."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tropism.server.run import new_event_loop, running
from tropism.server.settings import Settings


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where the server is, the admin's key, and its data directory."""

    base_url: str
    api_key: str
    data: Path


@contextmanager
def run_server(
    *, echo_models: Sequence[str] = ("echo",), bundled_models: bool = False, data: Path | None = None
) -> Iterator[RunningServer]:
    """Start a server on a free port of this machine; stop it at the end.

    `echo_models` are registered under these keys and repeat what they are told; attach them to a use case. With
    `bundled_models`, the bundled language and embedding models are there as well. `data` keeps the database after the
    end; a directory that is removed is the default.
    """
    with tempfile.TemporaryDirectory(prefix="tropism-", ignore_cleanup_errors=True) as temporary:
        settings = Settings(
            data=data or Path(temporary),
            port=0,
            admin_api_key="tk_for-tests-only",
            bundled_models=bundled_models,
            echo_models=tuple(echo_models),
            drain_seconds=5,
        )
        with _in_thread(settings) as url:
            yield RunningServer(url, "tk_for-tests-only", settings.data)


@contextmanager
def _in_thread(settings: Settings) -> Iterator[str]:
    ready, stop = threading.Event(), asyncio.Event()
    url: list[str] = []
    failure: list[BaseException] = []
    loop = new_event_loop()

    async def serve() -> None:
        async with running(settings) as found:
            url.append(found)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())
        except BaseException as error:
            failure.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="tropism-test-server", daemon=True)
    thread.start()
    ready.wait()
    try:
        if failure:
            raise failure[0]
        yield url[0]
    finally:
        if not failure:
            loop.call_soon_threadsafe(stop.set)
        thread.join()
