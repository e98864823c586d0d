"""Bring the schema up to date, one chain of revisions for every database."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


class NewerSchema(Exception):
    """The database was written by a newer release; this one could damage it."""


def migrate(engine: Engine) -> None:
    """Run every revision that the database lacks, in one transaction. Raise `NewerSchema` if it knows more than we."""
    with engine.begin() as connection:
        config = _config(connection)
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
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
