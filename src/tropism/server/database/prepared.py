"""Inserts that run with every answer: compiled once, so that a row costs little more than the database makes it cost.

SQLAlchemy looks at a statement anew each time that it runs, and finds each value of a row by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import Insert

Values = Sequence[Any]
"""One for each column of the table, in their order."""


class Prepared:
    """An insert of whole rows into a table."""

    def __init__(self, statement: Insert) -> None:
        self._statement = statement
        self._ready: dict[str, _Ready] = {}

    def run(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Insert the rows, of which there is at least one."""
        dialect = connection.dialect
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = _compiled(self._statement, dialect)
        connection.exec_driver_sql(ready.sql, [ready.bound(row) for row in rows])


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as one kind of database wants it. `names` is empty where its driver takes values by their order."""

    sql: str
    names: Sequence[str]
    bind: Sequence[tuple[int, Callable[[Any], Any]]]

    def bound(self, row: Values) -> tuple[Any, ...] | Mapping[str, Any]:
        values = list(row)
        for place, bind in self.bind:
            values[place] = bind(values[place])
        return dict(zip(self.names, values, strict=True)) if self.names else tuple(values)


def _compiled(statement: Insert, dialect: Dialect) -> _Ready:
    columns = statement.table.columns
    compiled = statement.compile(dialect=dialect, column_keys=columns.keys())
    binds = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    return _Ready(
        sql=str(compiled),
        names=() if dialect.positional else columns.keys(),
        bind=[(place, bind) for place, bind in enumerate(binds) if bind is not None],
    )
