"""Bring the schema up to date, one chain of revisions for every database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


class NewerSchema(Exception):
    """The database was written by a newer release; this one could damage it."""


def migrate(engine: Engine) -> Path | None:
    """Run every revision that the database lacks, in one transaction. Raise `NewerSchema` if it knows more than we.

    A SQLite database that holds something is copied first; the result is where to.
    """
    kept = _backup(engine)
    with engine.begin() as connection:
        config = _config(connection)
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        command.upgrade(config, "head")
    return kept


def revision(engine: Engine) -> str | None:
    """The revision that the database is at; None if it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision that this release brings databases to."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert head is not None
    return head


def _backup(engine: Engine) -> Path | None:
    """PostgreSQL undoes an upgrade that fails, and has backups of its own; a file has whoever copies it."""
    current = revision(engine)
    file = engine.url.database
    if engine.dialect.name != "sqlite" or current in (None, newest_revision()) or not file:
        return None
    original = Path(file.removeprefix("file:"))
    copy = original.with_name(f"{original.name}.{current}.{datetime.now(UTC):%Y%m%dT%H%M%S}.backup")
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM INTO ?", (str(copy),))
    finally:
        connection.close()
    return copy


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise NewerSchema(f"the database is at schema {current!r}, which this release does not know; upgrade tropism")
