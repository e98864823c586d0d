"""Bring the schema up to date, one chain of revisions for every database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine

from tropism.server.database import upgrades
from tropism.server.database.upgrades import REVISIONS, Upgrade

PATIENCE = "10s"
"""How long a change of a table waits for those who read it on PostgreSQL; everybody else waits behind it."""


def migrate(engine: Engine, revisions: Path = REVISIONS) -> Path | None:
    """Run every revision that the database lacks, in one transaction.

    Raise `NewerSchema` if a newer release left nothing that we could work on, and `OlderEngines` if an older one is at
    work and could not go on. A SQLite database that holds something is copied first; the result is where to.
    """
    kept = _backup(engine, pending(engine, revisions))
    with engine.begin() as connection:
        upgrade = upgrades.upgrade_of(connection, revisions)  # as it is in our turn: another may have been quicker
        if upgrade.revisions:
            _carry_out(connection, upgrade, revisions)
    return kept


def pending(engine: Engine, revisions: Path = REVISIONS) -> Upgrade:
    """What `migrate` would do."""
    with engine.connect() as connection:
        return upgrades.upgrade_of(connection, revisions)


def revision(engine: Engine) -> str | None:
    """The revision that the database is at; None if it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _carry_out(connection: Connection, upgrade: Upgrade, revisions: Path) -> None:
    if upgrade.is_breaking:
        upgrades.refuse_older_engines(connection, revisions)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
    command.upgrade(upgrades.config(connection, revisions), "head")
    upgrades.keep_oldest(connection, revisions)


def _backup(engine: Engine, upgrade: Upgrade) -> Path | None:
    """PostgreSQL undoes an upgrade that fails, and has backups of its own; a file has whoever copies it."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or upgrade.current is None or not upgrade.revisions or not file:
        return None
    original = Path(file.removeprefix("file:"))
    copy = original.with_name(f"{original.name}.{upgrade.current}.{datetime.now(UTC):%Y%m%dT%H%M%S}.backup")
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM INTO ?", (str(copy),))
    finally:
        connection.close()
    return copy
