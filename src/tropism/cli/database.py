"""`tropism database`: bring a schema up to date, copy a database; works on the database itself, without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tropism.cli import show
from tropism.cli.engine import OPTIONS, Engine
from tropism.sdk.errors import TropismError

app = App(name="database", help="The database of an engine on this machine.")

DATA = Path(".tropism")
Flag = Annotated[bool, Parameter(negative="")]
Json = Annotated[bool, Parameter(name="--json", negative="", group=OPTIONS, show_default=False)]


@app.command
def migrate(*, data: Path = DATA, database: str | None = None, dry_run: Flag = False) -> None:
    """Bring the schema up to date, which every start does too. A SQLite file that holds something is copied first.

    Parameters
    ----------
    data
        The engine's data directory.
    database
        Its URL: sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME; the file in `data` if not given.
    dry_run
        Only say what there is to do, and whether engines of the release before can go on meanwhile.
    """
    from tropism.cli import upgrade

    upgrade.migrate(data, database, dry_run)


@app.command
def copy(source: str, target: str, *, json: Json = False) -> None:
    """Copy a database into an empty one, and compare row by row what arrived. Stop the engine of the source first.

    Files are not in the database: give the new engine the data directory's `secret.key`, `models`, `training` and
    `datasets`, too.

    Parameters
    ----------
    source
        The URL of the database to read, such as sqlite:////var/lib/tropism/tropism.db.
    target
        The URL of an empty database, such as postgresql://tropism:PASSWORD@HOST/tropism.
    json
        Print tables, counts and checksums as JSON.
    """
    from tropism.server.database.copying import CannotCopy, Copied
    from tropism.server.database.copying import copy as copy_all

    def on_table(copied: Copied) -> None:
        if copied.rows and not json:
            show.note(f"{copied.rows:>10,} {copied.table}  {copied.checksum}")

    try:
        found = copy_all(source, target, on_table)
    except (CannotCopy, ValueError) as error:
        raise TropismError(str(error)) from None
    plain = [{"table": each.table, "rows": each.rows, "checksum": each.checksum} for each in found]
    total = sum(each.rows for each in found)
    show.answer(Engine(json=json), plain, lambda: f"{total:,} rows arrived as they were sent.")
