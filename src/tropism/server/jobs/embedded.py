"""The worker that a server starts for itself: settings come on standard input, and its end means to stop.

So the worker never outlives its server, however that ended, and secrets are in no argument that others could read.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
import threading

import msgspec

from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.jobs.worker import load_functions, work
from tropism.server.membership import place
from tropism.server.processes.low_priority import give_way
from tropism.server.settings import Settings

IDLE_SECONDS = 60.0
"""Without a job for so long it ends; the server starts another one for the next job."""
GRACE_SECONDS = 20.0
"""To hand jobs back; what is not stored by then is done again."""


def main() -> None:
    """Work until the server is gone or wants us gone, or there is nothing to do."""
    give_way()
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings, dec_hook=lambda type, text: type(text))
    # A worker of a server that was killed may still be on its way out: the jobs are its until then.
    fcntl.flock(os.open(settings.data / "worker.lock", os.O_CREAT | os.O_WRONLY), fcntl.LOCK_EX)
    load_functions()
    try:
        asyncio.run(_work(settings))
    except Exception:
        logging.getLogger("tropism.jobs").exception("the worker cannot go on")
        os._exit(1)
    # Not sys.exit: threads of the job engine would be waited for, and everything of ours is stored.
    os._exit(0)


async def _work(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def listen() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)
        threading.Timer(GRACE_SECONDS, os._exit, (1,)).start()

    threading.Thread(target=listen, name="server-listener", daemon=True).start()
    await work(settings, DEFAULT_POOL, stop, name=f"{DEFAULT_POOL}/{place(settings)}", idle=IDLE_SECONDS)


if __name__ == "__main__":
    main()
