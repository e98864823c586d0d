"""The process of a test's server: serves until its standard input ends, so it never outlives the test."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tropism.server.observability import logs
from tropism.server.processes.run import running
from tropism.server.settings import Settings, from_environment
from tropism.server.web.listening import new_event_loop


async def _serve(settings: Settings) -> None:
    async with running(settings) as url:
        print(url, flush=True)  # noqa: T201
        await asyncio.to_thread(sys.stdin.read)


def main(data: str, echo_models: str, bundled_models: str, database: str | None = None) -> None:
    """Serve from the directory `data` and this database, with these echo models; say the URL when ready."""
    settings = from_environment(
        data=Path(data),
        database=database,
        port=0,
        echo_models=tuple(key for key in echo_models.split(",") if key),
        bundled_models=bundled_models == "yes",
        drain_seconds=5,
    )
    logs.set_up(settings)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
