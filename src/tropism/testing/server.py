"""A real server in a process of its own, for tests: real socket, real database, echo models."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tropism.testing.database import database_of

ADMIN_KEY = "tk_for-tests-only"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where the server is, the admin's key, its data directory and its database's URL."""

    base_url: str
    api_key: str
    data: Path
    database: str


@contextmanager
def run_server(
    *,
    echo_models: Sequence[str] = ("echo",),
    bundled_models: bool = False,
    data: Path | None = None,
    database: str | None = None,
) -> Iterator[RunningServer]:
    """Start a server on a free port of this machine; stop it at the end.

    `echo_models` are registered under these keys and repeat what they are told; attach them to a use case. With
    `bundled_models`, the bundled language and embedding models are there as well. `data` keeps the database after the
    end; a directory that is removed is the default. `database` is its URL; a SQLite file in `data` is the default, or,
    where `TROPISM_TEST_POSTGRES` is the URL of a PostgreSQL server, a database of its own there. The server takes the
    `TROPISM_*` variables of this process, but for the admin's key.
    """
    with tempfile.TemporaryDirectory(prefix="tropism-", ignore_cleanup_errors=True) as temporary:
        directory = data or Path(temporary)
        name = database or database_of(directory)
        with _process(directory, name, echo_models, bundled_models) as url:
            yield RunningServer(url, ADMIN_KEY, directory, name)


@contextmanager
def _process(data: Path, database: str, echo_models: Sequence[str], bundled_models: bool) -> Iterator[str]:
    """A process, not a thread: who reads a SQLite file in the process that serves it takes away the server's locks."""
    command = [sys.executable, "-m", "tropism.testing.process", str(data), ",".join(echo_models)]
    process = subprocess.Popen(
        [*command, "yes" if bundled_models else "no", database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TROPISM_ADMIN_API_KEY": ADMIN_KEY},
    )
    with process:  # which closes its standard input at the end, and waits for it
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the test server did not start; it has said why on standard error")
        yield url
