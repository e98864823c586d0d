"""`tropism worker`: do the jobs of a compute pool, on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tropism.server.jobs.standing import CannotWork, run
from tropism.server.observability import logs
from tropism.server.settings import for_a_worker, from_environment
from tropism.server.web.listening import CannotListen


def worker(
    *, pool: str, capabilities: Sequence[str], data: Path, database: str | None, storage: str | None, listen: str | None
) -> None:
    """Work with these options of the command line; return when told to stop."""
    try:
        given = from_environment(data=data, database=database, storage=storage, worker_listen=listen)
        settings = for_a_worker(given)
        logs.set_up(settings)
        run(settings, pool, capabilities, partial(_welcome, pool, capabilities))
    except (CannotListen, CannotWork, ValueError, OSError) as error:
        Console(stderr=True).print(Text.assemble(("tropism worker: ", "red"), str(error)), soft_wrap=True)
        sys.exit(1)


def _welcome(pool: str, capabilities: Sequence[str], name: str, address: str | None) -> None:
    print(f"Worker {name} does {', '.join(capabilities)} in the pool {pool}. Ctrl-C hands its jobs back.", flush=True)  # noqa: T201
    if address is not None:
        print(f"Engines ask it for answers at {address}.", flush=True)  # noqa: T201
