"""A worker process whose only kind of job counts: each step is stored, and noted in a file outside the database.

python counting_worker.py DATA [KIND OF TROUBLE] [NAME]
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

from tropism.server.database.session import Writing
from tropism.server.jobs.protocol import JobFailed, Run, runs
from tropism.server.jobs.worker import work
from tropism.server.settings import Settings
from tropism.testing.database import database_of

DATA = Path(sys.argv[1])
TROUBLE = sys.argv[2] if len(sys.argv) > 2 else ""
NAME = sys.argv[3] if len(sys.argv) > 3 else "default/here"


class Count(Struct, kw_only=True, frozen=True):
    """How far to count."""

    to: int


@runs("evaluation", Count)
async def count(run: Run[Count]) -> dict[str, Any]:
    await run.begin("count", run.request.to)
    while (done := await run.processed("count")) < run.request.to:
        with (DATA / "steps").open("a") as file:
            file.write(f"{run.id} {run.attempt} {done}\n")
        await run.write(_nothing, stage="count", advance=1)
        if TROUBLE == "die" and done + 1 == run.request.to // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if TROUBLE == "always-die":
            os.kill(os.getpid(), signal.SIGKILL)
        if TROUBLE == "fail":
            raise JobFailed("it cannot be counted")
        if TROUBLE == "break":
            raise ZeroDivisionError("by nought")
        await asyncio.sleep(3600 if TROUBLE == "hang" else 0.01)
    await run.end("count")
    await run.log("counted")
    return {"counted": run.request.to}


def _nothing(transaction: Writing) -> None:
    pass


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stall = 2 if TROUBLE == "hang" else 60
    settings = Settings(data=DATA, database=database_of(DATA), job_stall_seconds=stall, worker_gone_seconds=4)
    await work(settings, "default", stop, name=NAME, idle=0.5)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
