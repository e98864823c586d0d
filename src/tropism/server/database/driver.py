"""Statements of the hot path, given to the driver as they are.

SQLAlchemy makes a context for each statement and asks who listens: some 10 µs, half of what SQLite takes for most of
them, and in that time nobody else has the interpreter. What goes wrong is raised as SQLAlchemy would raise it. Its
transaction has begun, or is about to: nothing here begins one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPIModule
from sqlalchemy.exc import DBAPIError


def execute(connection: Connection, sql: str) -> None:
    """Execute a statement without parameters, whatever it returns."""
    _run(connection, sql, lambda cursor: cursor.execute(sql))


def execute_many(connection: Connection, sql: str, rows: Sequence[Any]) -> None:
    """Execute a statement for each of the rows, of which there is at least one; they hold what the driver takes."""
    if len(rows) == 1:  # psycopg would open a pipeline for it
        _run(connection, sql, lambda cursor: cursor.execute(sql, rows[0]))
    else:
        _run(connection, sql, lambda cursor: cursor.executemany(sql, rows))


def _run(connection: Connection, sql: str, call: Callable[[Any], object]) -> None:
    kind = connection.dialect.loaded_dbapi.Error
    try:
        with closing(connection.connection.cursor()) as cursor:
            call(cursor)
    except kind as error:
        raise _wrapped(connection, sql, error, kind) from error


def _wrapped(
    connection: Connection, sql: str, error: DBAPIModule.Error, kind: type[DBAPIModule.Error]
) -> BaseException:
    """The error, as SQLAlchemy says it; a connection that was lost is not used again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection, None)
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, None, error, kind, hide_parameters=True, connection_invalidated=is_lost, dialect=dialect
    )
