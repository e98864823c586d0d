"""Who works on a data directory: one engine whose database is a file in it, or any number that share a PostgreSQL."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class DataInUse(Exception):
    """Another engine works on this data directory."""


def take(data: Path, *, shared: bool) -> IO[str]:
    """Hold the directory for as long as the returned file is open; the system lets go of it if the process dies."""
    file = (data / "lock").open("a+")
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise DataInUse(
            f"another engine (process {holder}) uses the data directory {data}; stop it, or choose another --data"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
