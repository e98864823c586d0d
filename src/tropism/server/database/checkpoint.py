"""Moves the write-ahead log into the database beside the writer, so that no commit has to wait for it."""

from __future__ import annotations

import logging
import threading
from typing import Any

EVERY_SECONDS = 1.0
LEFT_TO_THE_WRITER = 16_384
"""Pages in the log at which the writer itself moves them after all, should this thread not keep up: 64 MB."""
PATIENCE_MS = 100
"""How long emptying the log may wait for readers; it is tried again in a second."""
log = logging.getLogger("tropism.database")


class Checkpointer:
    """A thread with a connection of its own. A passive checkpoint holds up neither the writer nor the readers.

    Two connections that move the log want SQLite 3.51.3 or later, which connect.py sees to.
    """

    def __init__(self, sqlite: Any, path: str) -> None:
        self._sqlite, self._path = sqlite, path
        self._stop, self._truncate = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; what is in the log stays there, and is read from there at the next start."""
        self._stop.set()
        self._thread.join()

    def truncate_soon(self) -> None:
        """Empty the log after it was moved, so that it holds nothing of what is deleted."""
        self._truncate.set()

    def _run(self) -> None:
        connection = self._sqlite.connect(self._path, isolation_level=None)
        try:
            while not self._stop.wait(EVERY_SECONDS):
                self._move(connection)
        finally:
            connection.close()

    def _move(self, connection: Any) -> None:
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            if self._truncate.is_set():
                # Writers wait for this one, and it waits for readers: rather not now than long.
                connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    self._truncate.clear()
        except self._sqlite.Error as error:  # such as a full disk: the writer says so to those who write
            log.warning("the write-ahead log was not moved: %s", error)
