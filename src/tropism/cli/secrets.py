"""`tropism secrets` as the command line sees it; the engine's packages are imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from tropism.cli.engine import OPTIONS

app = App(name="secrets", help="The master key of an engine on this machine.")

DATA = Path(".tropism")
Json = Annotated[bool, Parameter(name="--json", negative="", group=OPTIONS, show_default=False)]


@app.command
def rotate(*, data: Path = DATA) -> None:
    """Put a new master key in front of the present one. It is used from the next start of the engine on.

    Parameters
    ----------
    data
        The engine's data directory.
    """
    from tropism.cli import master_key

    master_key.rotate(data)


@app.command
def status(*, data: Path = DATA, json: Json = False) -> None:
    """Show how many secrets and api keys depend on each master key, newest first.

    Parameters
    ----------
    data
        The engine's data directory.
    json
        Print JSON.
    """
    from tropism.cli import master_key

    master_key.status(data, json)


@app.command
def forget(*, data: Path = DATA) -> None:
    """Drop the older master keys on which nothing depends any more. The engine must not run.

    Parameters
    ----------
    data
        The engine's data directory.
    """
    from tropism.cli import master_key

    master_key.forget(data)
