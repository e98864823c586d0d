"""Hard work in a process of its own, at low priority: requests lose nothing by it but idle cores."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from tropism.server.errors import TropismError

LONGEST_ANSWER = 4 * 1024 * 1024


@asynccontextmanager
async def beside(
    module: str, request: msgspec.Struct, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """What a module of ours, run with a request (see low_priority.py), writes to its standard output.

    `environment` replaces ours. Leaving the block early ends the process. One that fails says why in the server's log.
    """
    command = (sys.executable, "-P", "-m", module)
    pipe = asyncio.subprocess.PIPE
    # In a session of its own, which can give way without the server's (low_priority.py).
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, limit=LONGEST_ANSWER, env=environment, start_new_session=True
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(msgspec.json.encode(request) + b"\n")
        yield process.stdout
        if code := await process.wait():
            raise TropismError(f"a process of ours ended with {code}; the server's log has the details")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
