"""One of several engines behind a socket: it serves until its standard input ends, so it never outlives its parent."""

from __future__ import annotations

import asyncio
import socket
import sys

import msgspec

from tropism.server.observability import logs
from tropism.server.processes.run import running
from tropism.server.processes.siblings import READY
from tropism.server.settings import Settings
from tropism.server.web.listening import new_event_loop


async def _serve(settings: Settings, given: socket.socket) -> None:
    async with running(settings, given=given):
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        await asyncio.to_thread(sys.stdin.buffer.read)


def main(descriptor: str) -> None:
    """Serve on the socket of this file descriptor, with the settings that the first line of standard input has."""
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings, dec_hook=lambda type, text: type(text))
    logs.set_up(settings)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(settings, socket.socket(fileno=int(descriptor))))


if __name__ == "__main__":
    main(*sys.argv[1:])
