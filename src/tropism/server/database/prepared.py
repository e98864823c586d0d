"""Inserts that run with every answer: compiled once, so that a row costs little more than the database makes it cost.

SQLAlchemy looks at a statement anew each time that it runs, and finds each value of a row by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import Insert

from tropism.server.database import driver

Values = Sequence[Any]
"""One for each column of the table, in their order."""
MANY = 8
"""From so many rows on, PostgreSQL is sooner done with a copy than with inserts, three times as soon with hundreds."""


class Prepared:
    """An insert of whole rows into a table, or one that says besides what becomes of a row that is there already."""

    def __init__(self, into: Table | Insert) -> None:
        self._statement = insert(into) if isinstance(into, Table) else into
        self._is_plain = isinstance(into, Table)
        self._ready: dict[str, _Ready] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert the rows, of which there is at least one."""
        dialect = connection.dialect
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = _Ready(self._statement, dialect)
        if self._is_plain and len(rows) >= MANY and dialect.name == "postgresql":
            connection.exec_driver_sql(ready.copy, [tuple(ready.values(row)) for row in rows])
        else:
            driver.execute_many(connection, ready.sql, [ready.bound(row) for row in rows])


class _Ready:
    """A statement as one kind of database wants it."""

    def __init__(self, statement: Insert, dialect: Dialect) -> None:
        columns = statement.table.columns
        binds = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
        self.sql = str(statement.compile(dialect=dialect, column_keys=columns.keys()))
        self.copy = f"COPY {statement.table.name} ({', '.join(columns.keys())}) FROM STDIN"
        self._names = () if dialect.positional else columns.keys()
        self._binds = [(place, bind) for place, bind in enumerate(binds) if bind is not None]

    def values(self, row: Values) -> list[Any]:
        """The row as the driver takes it."""
        values = list(row)
        for place, bind in self._binds:
            values[place] = bind(values[place])
        return values

    def bound(self, row: Values) -> tuple[Any, ...] | Mapping[str, Any]:
        """The row as the statement takes it: by names, where the driver does not go by the order of columns."""
        values = self.values(row)
        return dict(zip(self._names, values, strict=True)) if self._names else tuple(values)
