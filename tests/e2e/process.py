"""The engine as a process of its own, started as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADMIN_KEY = "tk_admin-of-these-tests"
SECONDS = 60.0


class Served:
    """A running `tropism serve`."""

    def __init__(self, data: Path, *arguments: str, **environment: str) -> None:
        given = {"TROPISM_BUNDLED_MODELS": "0", "TROPISM_ADMIN_API_KEY": ADMIN_KEY, **environment}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TROPISM_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from tropism.cli import main; main()", "serve", "--data", str(data), *arguments],
            env={**kept, **{name: value for name, value in given.items() if value}},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        assert self.process.stderr
        self._reading = threading.Thread(target=self.errors.extend, args=(self.process.stderr,), daemon=True)
        self._reading.start()
        self.lines: list[str] = []

    def ready(self) -> str:
        """The URL, once it is printed; the other lines are in `lines`."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if "OpenAI" in line:  # the last of the lines to try
                return self.lines[0].split()[4]
        raise AssertionError(f"it ended with {self.process.wait(SECONDS)}: {self.said()}")

    def stop(self) -> int:
        """Ask it to end; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.ended()

    def ended(self) -> int:
        """The exit code, once it has ended."""
        code = self.process.wait(SECONDS)
        self._reading.join(SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        return code

    def said(self) -> str:
        """All that it wrote to standard error."""
        self._reading.join(SECONDS)
        return "".join(self.errors)


@contextmanager
def served(data: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    """A process that is gone at the end, whatever the test did. An empty variable is not set."""
    it = Served(data, *arguments, **environment)
    try:
        yield it
    finally:
        if it.process.poll() is None:
            it.kill()
