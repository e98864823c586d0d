"""Portkey's gateway: one process of Node, which keeps nothing and is told its upstream by each request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.overhead.child import running
from benchmarks.overhead.install import node, node_program
from benchmarks.overhead.system import System

VERSION = "1.15.2"
PACKAGE = "@portkey-ai/gateway"
# Those of its own lock; with later ones, which its ranges allow, every stream ends in an error (its issue 1389).
ITS_SERVER = ("@hono/node-server@1.13.5", "@hono/node-ws@1.2.0")


def install(bench: Path) -> Path:
    """Its program, installed on the first call."""
    return node(bench / "portkey", f"{PACKAGE}@{VERSION}", *ITS_SERVER) / PACKAGE / "build" / "start-server.js"


@contextmanager
def gateway(program: Path, home: Path, port: int, upstream_port: int) -> Iterator[System]:
    """Without its page for developers. It trusts upstreams on this machine unless told otherwise."""
    with running(
        [node_program(), str(program), "--headless", f"--port={port}"],
        home=home,
        port=port,
        ready="/",
        settings={"NODE_ENV": "production"},
    ) as process:
        upstream = f"http://127.0.0.1:{upstream_port}/v1"
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": upstream}
        name = f"Portkey {VERSION}"
        yield System(name=name, logs="nothing", port=port, process=process, key="x", extra_headers=headers)
