"""A real `tropism worker` beside the engine of a test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tropism.testing import RunningServer


@contextmanager
def working(server: RunningServer, *arguments: str, data: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A worker, started as a person starts it beside the engine."""
    place = str(data or server.data)
    command = [sys.executable, "-c", "from tropism.cli import main; main()", "worker", "--data", place]
    process = subprocess.Popen(
        [*command, "--database", server.database, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
