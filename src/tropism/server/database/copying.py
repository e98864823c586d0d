"""Copy a database into an empty one, from SQLite to PostgreSQL or back, and compare what arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, func, insert, select

from tropism.server.database.engines import engines
from tropism.server.database.migrate import migrate, revision
from tropism.server.database.upgrades import newest_revision
from tropism.server.tables import metadata

ROWS = 1_000
"""Rows that are read, and written, together."""
NUL, IN_ITS_PLACE = rb"\u0000", "\ufffd".encode()
"""How JSON writes what PostgreSQL keeps in no text, and what is there then."""
MADE_BY_REVISIONS = ("snapshot_version", "oldest_engine")


class CannotCopy(Exception):
    """One of the two databases is not as it must be, or what arrived is not what was sent."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows it has, and a checksum over them in the order of their key."""

    table: str
    rows: int
    checksum: str


def copy(source_url: str, target_url: str, on_table: Callable[[Copied], None] = lambda copied: None) -> list[Copied]:
    """Copy every table in one transaction; raise `CannotCopy`, and leave the target empty, if anything differs.

    What is written to the source in the meantime is not part of the copy: stop its engine first.
    """
    source, target = engines(source_url)[1], engines(target_url)[0]
    try:
        _check(source, "source")
        migrate(target)
        with source.connect() as reading, target.begin() as writing:
            _refuse_full(writing)
            return [_copy_table(table, reading, writing, on_table) for table in metadata.sorted_tables]
    finally:
        source.dispose()
        target.dispose()


def _check(source: Engine, role: str) -> None:
    current, newest = revision(source), newest_revision()
    if current != newest:
        raise CannotCopy(f"the {role} is at schema {current!r}, not {newest!r}: run `tropism database migrate` on it")


def _refuse_full(target: Connection) -> None:
    for table in metadata.sorted_tables:
        rows = target.execute(select(func.count()).select_from(table)).scalar_one()
        if rows and table.name not in MADE_BY_REVISIONS:
            raise CannotCopy(f"the target has {rows} rows in {table.name}; copy into an empty database")


def _copy_table(table: Table, source: Connection, target: Connection, on_table: Callable[[Copied], None]) -> Copied:
    target.execute(table.delete())
    sent = _Sum(table)
    for rows in _rows(table, source):
        target.execute(insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in rows])
        sent.add(rows)
    arrived = _Sum(table)
    for rows in _rows(table, target):
        arrived.add(rows)
    if arrived.result() != sent.result():
        raise CannotCopy(f"{table.name} arrived as {arrived.result()}, not as {sent.result()}; nothing was kept")
    on_table(sent.result())
    return sent.result()


class _Sum:
    """Counts and sums up rows as they pass."""

    def __init__(self, table: Table) -> None:
        self._table, self._rows, self._digest = table, 0, hashlib.sha256()

    def add(self, rows: list[tuple[Any, ...]]) -> None:
        self._rows += len(rows)
        for row in rows:
            self._digest.update(msgspec.json.encode(row).replace(NUL, IN_ITS_PLACE))

    def result(self) -> Copied:
        return Copied(self._table.name, self._rows, self._digest.hexdigest()[:16])


def _rows(table: Table, connection: Connection) -> Iterator[list[tuple[Any, ...]]]:
    """All rows, in an order that both databases have: text is compared byte by byte."""
    keys = [_binary(column, connection) for column in (table.primary_key.columns or table.c)]
    found = connection.execute(select(table).order_by(*keys), execution_options={"yield_per": ROWS})
    for part in found.partitions(ROWS):
        yield [tuple(row) for row in part]


def _binary(column: Any, connection: Connection) -> Any:
    is_text = getattr(column.type, "python_type", None) is str
    return column.collate("C") if is_text and connection.dialect.name == "postgresql" else column
