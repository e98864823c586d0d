"""The database: one connection that writes, a pool that only reads, and the snapshot that the hot path looks at."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from tropism.server.clock import Clock
from tropism.server.database.checkpoint import LEFT_TO_THE_WRITER, Checkpointer
from tropism.server.database.migrate import migrate
from tropism.server.database.session import Reading, Writing
from tropism.server.database.writer import Insert, Writer
from tropism.server.principal import SYSTEM, Principal

P = ParamSpec("P")
T = TypeVar("T")
READERS = 4
FOLLOW_SECONDS = 0.5
"""How often to see whether another process changed what the snapshot holds."""
log = logging.getLogger("tropism.database")


class Versioned(Protocol):
    """What another process may have made a newer one of."""

    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=Versioned)


class Database(Generic[S]):
    """Reads and writes as plain functions on a transaction, run outside the event loop.

    `load` reads all that the hot path needs; the result is `snapshot`, replaced before a write that changed it is
    answered. `version` reads how new it would be. `on_change` is called with every new one.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        load: Callable[[Reading], S],
        version: Callable[[Reading], int],
        *,
        max_pending_writes: int = 10_000,
    ) -> None:
        self._url, self._clock, self._max_pending = url, clock, max_pending_writes
        self._load, self._version = load, version
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self.on_change: Callable[[S], None] = lambda snapshot: None

    async def open(self) -> None:
        """Bring the schema up to date and start to serve."""
        self._write_engine, self._read_engine = await asyncio.to_thread(_engines, self._url)
        await asyncio.to_thread(migrate, self._write_engine)
        self.snapshot = await self.read(SYSTEM, self._load)
        self._checkpointer = Checkpointer(_sqlite(), str(_path(self._url)))
        self._writer = Writer(self._write_engine, self._clock, self._load, self._publish, self._max_pending)
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Store what was accepted and let go of the files."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._writer.close()
        await asyncio.to_thread(self._checkpointer.close)
        self._readers.shutdown()
        self._read_engine.dispose()
        self._write_engine.dispose()

    async def read(
        self,
        principal: Principal,
        function: Callable[Concatenate[Reading, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function` on a read-only transaction."""

        def run() -> T:
            with self._read_engine.connect() as connection:
                return function(Reading(connection, principal, self._clock), *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def write(
        self,
        principal: Principal,
        function: Callable[Concatenate[Writing, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function` in a transaction; return once it is on disk, or raise and leave nothing behind."""

        def run(transaction: Writing) -> T:
            return function(transaction, *args, **kwargs)

        result: T = await self._writer.write(principal, run)
        return result

    async def append(self, insert: Insert, row: Any) -> None:
        """Store one row with all that wait for the same `insert`; return once it is on disk."""
        await self._writer.append(insert, row)

    @property
    def pending_writes(self) -> int:
        """How many writes wait for the disk."""
        return self._writer.pending

    def wipe_log(self) -> None:
        """What was deleted is to leave the write-ahead log, too, as soon as no reader needs it."""
        self._checkpointer.truncate_soon()

    def _publish(self, snapshot: S) -> None:
        if snapshot.version >= self.snapshot.version:  # else a reader was quicker than the answer to a writer
            self.snapshot = snapshot
            self.on_change(snapshot)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                if await self.read(SYSTEM, self._version) != self.snapshot.version:
                    self._publish(await self.read(SYSTEM, self._load))
            except SQLAlchemyError as error:
                log.warning("changes by other processes cannot be read: %s", error)


def only_reading(url: str) -> Engine:
    """Connections that can only read, for a process that works beside the server."""
    return _engines(url)[1]


def _engines(url: str) -> tuple[Engine, Engine]:
    file = f"file:{quote(str(_path(url)))}"
    options: dict[str, Any] = {"module": _sqlite(), "connect_args": {"timeout": 60}}
    write = create_engine(URL.create("sqlite", database=file, query={"uri": "true"}), **options)
    # A reader that cannot write can never hold the writer up, nor checkpoint the log beside it.
    only_read = URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"})
    read = create_engine(only_read, pool_size=READERS, **options)
    event.listen(write, "connect", _set_up_writer)
    event.listen(write, "begin", _begin_immediate)
    event.listen(read, "connect", _set_up_reader)
    event.listen(read, "begin", _begin)
    return write, read


def _path(url: str) -> Path:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise ValueError(f"--database takes sqlite:///PATH so far, not {parsed.render_as_string()!r}")
    return Path(parsed.database).absolute()


def _sqlite() -> Any:
    """SQLite before 3.51.3 can corrupt a write-ahead log under two connections; then take the bundled newer one."""
    import sqlite3

    if sqlite3.sqlite_version_info >= (3, 51, 3) or sys.platform != "linux":
        return sqlite3
    import pysqlite3

    return pysqlite3


def _set_up_writer(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # begin and commit are ours alone
    for setting in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=60000",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {setting}")
    connection.execute(f"PRAGMA wal_autocheckpoint={LEFT_TO_THE_WRITER}")


def _set_up_reader(connection: Any, _: Any) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    """What one reader sees belongs together, whatever is written in the meantime."""
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
