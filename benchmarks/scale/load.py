"""Putting millions of rows into a database as fast as it takes them: straight into its tables, indexes afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Table, text

from benchmarks.scale import rows
from benchmarks.scale.rows import World
from tropism.server.database.engines import engines
from tropism.server.tables.feedback import comparison, feedback
from tropism.server.tables.interactions import interaction, interaction_body, interaction_count, interaction_label

AT_ONCE = 50_000
MADE: dict[Table, Callable[[World], Iterator[dict[str, Any]]]] = {
    interaction: rows.interactions,
    interaction_body: rows.bodies,
    interaction_label: rows.labelled,
    feedback: rows.feedback,
    comparison: rows.comparisons,
    interaction_count: rows.counts,
}


def load(database: str, world: World) -> float:
    """Fill a database whose schema is there; the seconds that it took."""
    began = time.monotonic()
    writing, reading = engines(database)
    for table, made in MADE.items():
        for index in table.indexes:
            index.drop(writing)
        _insert(writing, table, made(world))
        for index in table.indexes:
            index.create(writing)
    if writing.dialect.name == "postgresql":
        with writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as autovacuum would have by then
    writing.dispose()
    reading.dispose()
    return time.monotonic() - began


def _insert(engine: Engine, table: Table, made: Iterator[dict[str, Any]]) -> None:
    put = _copy if engine.dialect.name == "postgresql" else _execute
    while some := list(islice(made, AT_ONCE)):
        put(engine, table, some)


def _execute(engine: Engine, table: Table, some: list[dict[str, Any]]) -> None:
    columns = list(some[0])
    marks = ", ".join("?" * len(columns))
    values = [tuple(each.bytes if isinstance(each, UUID) else each for each in row.values()) for row in some]
    with engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.executemany(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})", values)


def _copy(engine: Engine, table: Table, some: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(some[0])}) FROM STDIN") as copy:
            for row in some:
                copy.write_row(tuple(row.values()))
