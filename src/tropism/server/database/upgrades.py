"""Which engines a schema lets go on: those of the release before, unless a revision on the way is breaking.

During an upgrade several releases work on one database. A revision says with `is_breaking` whether engines that do not
know it can go on; the database keeps the oldest revision whose engines can (docs/decisions/0046).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, delete, func, insert, inspect, select, text

from tropism.server.tables.upgrades import oldest_engine

REVISIONS = Path(__file__).parent / "migrations"
NAME = "tropism"
"""How a connection to PostgreSQL is called, before the revision that its engine knows."""


class NewerSchema(Exception):
    """A newer release has made the schema one that this release could damage."""


class OlderEngines(Exception):
    """Engines of an older release work on the database, and could not go on after the upgrade."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The revisions that a database lacks, from the first to the last."""

    current: str | None
    revisions: Sequence[str]
    is_breaking: bool
    """Whether engines of the release before cannot go on."""


def config(connection: Connection | None, revisions: Path) -> Config:
    """What Alembic is told about the revisions of this folder."""
    config = Config()
    config.set_main_option("script_location", str(revisions).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The revision that this release brings databases to."""
    return _newest_first(REVISIONS)[0].revision


def upgrade_of(connection: Connection, revisions: Path) -> Upgrade:
    """What is to be done to this database; raise `NewerSchema` if this release may not work on it."""
    current = MigrationContext.configure(connection).get_current_revision()
    known = _newest_first(revisions)
    if current is not None and current not in [each.revision for each in known]:
        _refuse_newer(connection, current, [each.revision for each in known])
        return Upgrade(current, [], False)
    lacking = list(takewhile(lambda each: each.revision != current, known))
    is_breaking = current is not None and any(map(_is_breaking, lacking))  # nobody works on an empty database
    return Upgrade(current, [each.revision for each in reversed(lacking)], is_breaking)


def refuse_older_engines(connection: Connection, revisions: Path) -> None:
    """Raise `OlderEngines` if somebody is connected who may not go on. A SQLite file has one engine: this one."""
    if connection.dialect.name != "postgresql":
        return
    names = (
        select(text("application_name"))
        .select_from(text("pg_stat_activity"))
        .where(
            text("datname = current_database()"),
            text(f"application_name LIKE '{NAME}%'"),
            text("pid <> pg_backend_pid()"),
        )
    )
    may_go_on = {each.revision for each in _newest_first(revisions)[: _oldest(revisions) + 1]}
    older = [name for (name,) in connection.execute(names) if not may_go_on & set(name.split())]
    if older:
        raise OlderEngines(
            "this upgrade changes what engines and workers of the release before need, and "
            f"{len(older)} connections of theirs are open: stop them all, then start one of this release"
        )


def keep_oldest(connection: Connection, revisions: Path) -> None:
    """Write down which engines may go on with the schema as it is now."""
    connection.execute(delete(oldest_engine))
    connection.execute(insert(oldest_engine).values(revision=_newest_first(revisions)[_oldest(revisions)].revision))


def _refuse_newer(connection: Connection, current: str, known: Sequence[str]) -> None:
    oldest = None
    if inspect(connection).has_table(oldest_engine.name):
        oldest = connection.execute(select(func.max(oldest_engine.c.revision))).scalar_one()
    if oldest not in known:
        raise NewerSchema(
            f"the database is at schema {current!r}, which engines of schema {known[0]!r}, such as this one, cannot "
            "work with; upgrade tropism here, too"
        )


@cache
def _newest_first(revisions: Path) -> Sequence[Script]:
    return tuple(ScriptDirectory.from_config(config(None, revisions)).walk_revisions())


def _oldest(revisions: Path) -> int:
    """The place, from the newest, of the last breaking revision."""
    return [_is_breaking(each) for each in _newest_first(revisions)].index(True)


def _is_breaking(script: Script) -> bool:
    """One that does not say is from before anybody asked."""
    return bool(getattr(script.module, "is_breaking", True))
