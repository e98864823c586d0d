"""llama.cpp's own HTTP server on a port of this machine, with its own defaults but for slots, context and threads."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHILD = Path(__file__).with_name("plain_child.py")


@contextmanager
def plain(model: Path, *, slots: int, context: int, threads: int, embedding: bool = False) -> Iterator[str]:
    """Its URL, once it is ready: with so many `slots`, tokens of `context` in each, and `threads`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"slots": slots, "context": context, "threads": threads, "embedding": embedding}
    told = json.dumps({"model": str(model), "port": port, **settings})
    process = subprocess.Popen([sys.executable, CHILD, told], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:  # which closes its standard input at the end
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            sys.exit("llama.cpp's own server did not start; it has said why on standard error")
        yield f"http://127.0.0.1:{port}/v1"
