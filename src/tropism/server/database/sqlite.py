"""SQLite: one file, one connection that writes, readers that cannot, and a log that is moved beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from tropism.server.database import driver
from tropism.server.database.checkpoint import LEFT_TO_THE_WRITER, Checkpointer


def engines(url: URL, readers: int) -> tuple[Engine, Engine]:
    """Connections that write, and a pool of `readers` that only read."""
    file = f"file:{quote(str(_path(url)))}"
    # An error is logged, what was said is not.
    options: dict[str, Any] = {"module": _sqlite(), "connect_args": {"timeout": 60}, "hide_parameters": True}
    write = create_engine(URL.create("sqlite", database=file, query={"uri": "true"}), **options)
    # A reader that cannot write can never hold the writer up, nor checkpoint the log beside it.
    only_read = URL.create("sqlite", database=file, query={"mode": "ro", "uri": "true"})
    read = create_engine(only_read, pool_size=readers, **options)
    event.listen(write, "connect", _set_up_writer)
    event.listen(write, "begin", _begin_immediate)
    event.listen(read, "connect", _set_up_reader)
    event.listen(read, "begin", _begin)
    return write, read


def checkpointer(url: URL) -> Checkpointer:
    """What moves the log of this file, for as long as it is served."""
    return Checkpointer(_sqlite(), str(_path(url)))


def _path(url: URL) -> Path:
    if not url.database:
        raise ValueError("--database sqlite:///PATH needs the path of a file")
    return Path(url.database).absolute()


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
    driver.execute(connection, "BEGIN")


def _begin_immediate(connection: Connection) -> None:
    driver.execute(connection, "BEGIN IMMEDIATE")
