"""The schema: made by the revisions, equal to the tables, refused if it is from the future."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.migrate import migrate
from tropism.server.database.session import Reading
from tropism.server.database.upgrades import NewerSchema
from tropism.server.identity.principal import SYSTEM
from tropism.server.tables import metadata


def test_the_revisions_make_the_tables(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_revisions_make_what_sqlalchemy_would(tmp_path: Path) -> None:
    """Constraints, WITHOUT ROWID and partial indexes, too, which a comparison by alembic does not see."""
    made: list[Any] = []
    for name in ("migrated", "created"):
        path = tmp_path / f"{name}.db"
        engine = create_engine(f"sqlite:///{path}")
        if name == "migrated":
            migrate(engine)
        else:
            metadata.create_all(engine)
        engine.dispose()
        made.append(_shape(path))
    assert made[0] == made[1]


def _shape(path: Path) -> dict[str, Any]:
    connection = sqlite3.connect(path)
    shape = {}
    tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'alembic%'")
    for name, sql in tables.fetchall():
        indexes = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (name,))
        shape[name] = (
            connection.execute(f"PRAGMA table_info('{name}')").fetchall(),
            sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list('{name}')").fetchall()),
            sorted(" ".join(row[0].split()) for row in indexes.fetchall() if row[0]),
            sorted(row[2:] for row in connection.execute(f"PRAGMA index_list('{name}')").fetchall()),
            "WITHOUT ROWID" in sql,
        )
    connection.close()
    return shape


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tropism.db'}"
    database = Database(url, Clock(), snapshot.load, snapshot.version)
    await database.open()
    await database.close()
    connection = sqlite3.connect(tmp_path / "tropism.db")
    connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
    connection.execute("UPDATE oldest_engine SET revision = 'from-the-future'")
    connection.commit()
    connection.close()
    with pytest.raises(NewerSchema, match="'from-the-future'.*upgrade tropism"):
        await Database(url, Clock(), snapshot.load, snapshot.version).open()
    assert not list(tmp_path.glob("*.backup"))


async def test_another_database_is_refused(tmp_path: Path) -> None:
    for url in ("mysql://host/name", "sqlite://", "no url"):
        with pytest.raises(ValueError, match="sqlite:///PATH"):
            await Database(url, Clock(), snapshot.load, snapshot.version).open()


async def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20c#d&é?"
    folder.mkdir()
    database = Database(f"sqlite:///{quote(str(folder / 'tropism.db'))}", Clock(), snapshot.load, snapshot.version)
    await database.open()
    assert (folder / "tropism.db").exists()
    assert await database.read(SYSTEM, _is_durable) == "wal"
    await database.close()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def _is_durable(session: Reading) -> Any:
    return session.connection.exec_driver_sql("PRAGMA journal_mode").scalar()
