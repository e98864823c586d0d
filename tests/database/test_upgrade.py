"""Upgrades keep what is there: a database of every earlier schema, with a row in each table, comes up to date whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, inspect

from tropism.server.database.migrate import migrate
from tropism.server.database.upgrades import REVISIONS, config

VERSIONS = REVISIONS / "versions"
EARLIER = sorted(file.name[:4] for file in VERSIONS.glob("0*.py"))[:-1]
VALUES: dict[str, Any] = {"INTEGER": 1, "BIGINT": 1, "FLOAT": 0.5, "BOOLEAN": True, "VARCHAR": "text"}
KEPT_BY_US = {"alembic_version", "snapshot_version", "oldest_engine"}


def at(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        command.upgrade(config(connection, REVISIONS), revision)


def tables_of(engine: Engine) -> list[str]:
    return [name for name in inspect(engine).get_table_names() if name not in KEPT_BY_US]


def fill(engine: Engine, path: Path) -> list[str]:
    """A row in every table, whatever its columns are; the names of the tables."""
    found = inspect(engine)
    tables = tables_of(engine)
    with sqlite3.connect(path) as connection:
        for name in tables:
            columns = found.get_columns(name)
            values = [VALUES.get(str(column["type"]).split("(")[0], b"\x01" * 16) for column in columns]
            marks = ", ".join("?" * len(columns))
            connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', values)
    return tables


@pytest.mark.parametrize("revision", EARLIER)
def test_an_upgrade_keeps_every_row(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "tropism.db"
    engine = create_engine(f"sqlite:///{path}")
    at(engine, revision)
    tables = fill(engine, path)
    before = {name: _row(path, name) for name in tables}
    migrate(engine)
    engine.dispose()
    for name, row in before.items():
        after = _row(path, name)
        assert row.items() <= after.items(), f"{name} lost something on the way from {revision}"


def _row(path: Path, table: str) -> dict[str, Any]:
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
    assert len(rows) == 1, table
    return dict(rows[0])
