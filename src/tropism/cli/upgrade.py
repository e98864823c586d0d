"""`tropism database migrate`: say what an upgrade means to engines that run, then carry it out."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import IO

from tropism.cli import show
from tropism.sdk.errors import TropismError
from tropism.server.database import migrate as migrations
from tropism.server.database.engines import engines
from tropism.server.database.upgrades import NewerSchema, OlderEngines, Upgrade, newest_revision
from tropism.server.processes import lock
from tropism.server.processes.lock import DataInUse
from tropism.server.settings import Settings, from_environment


def migrate(data: Path, database: str | None, dry_run: bool) -> None:
    """Bring the schema up to date, or only say what there is to do."""
    settings = from_environment(data=data, database=database)
    engine = engines(settings.database_url)[0]
    try:
        upgrade = migrations.pending(engine)
        show.note(_in_words(upgrade))
        if upgrade.revisions and not dry_run:
            with _alone(settings):
                kept = migrations.migrate(engine)
            _say_what_was_done(kept)
    except (NewerSchema, OlderEngines, DataInUse) as error:
        raise TropismError(str(error)) from None
    finally:
        engine.dispose()


def _alone(settings: Settings) -> nullcontext[None] | IO[str]:
    """A SQLite file has one engine, and not while another process changes its tables."""
    return lock.take(settings.data, shared=False) if settings.is_one_file and settings.data.exists() else nullcontext()


def _in_words(upgrade: Upgrade) -> str:
    if not upgrade.revisions:
        return f"The database is at schema {upgrade.current}, with which this release can work: nothing to do."
    there = f"from schema {upgrade.current} to" if upgrade.current else "an empty database to schema"
    means = (
        "engines and workers of the release before cannot go on: stop them first"
        if upgrade.is_breaking
        else "engines and workers of the release before can go on"
    )
    return f"This brings {there} {newest_revision()}; {means if upgrade.current else 'nobody works on it yet'}."


def _say_what_was_done(kept: Path | None) -> None:
    if kept is not None:
        show.note(f"What was there before is in {kept}.")
    show.note(f"The database is at schema {newest_revision()}.")
