"""How a run is ended from outside: SIGTERM or a file asks it to stop, and with its parent gone it ends at once."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType

from tropism.trainers import protocol


class Interrupted(Exception):
    """Someone asked for a stop while the run waited for something."""


class Interrupt:
    """Whether someone asked this run to stop."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / protocol.STOP
        self._signalled = False

    def listen(self) -> None:
        """Take SIGTERM and SIGINT as requests to stop. Only the main thread may call it."""
        signal.signal(signal.SIGTERM, self._hear)
        signal.signal(signal.SIGINT, self._hear)

    def requested(self) -> bool:
        return self._signalled or self._file.exists()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True


def die_with_parent() -> None:
    """End this process when standard input ends. Whoever started it holds the other end, and keeps it for life."""
    threading.Thread(target=_wait_for_end, daemon=True).start()


def _wait_for_end() -> None:
    # Not sys.stdin: its lock, held here, would disturb the interpreter at its end.
    while os.read(0, 1024):
        pass
    # Not sys.exit: that would end this thread alone.
    os._exit(1)
