"""`tropism sign-ins`: the browsers in which somebody is signed in."""

from __future__ import annotations

from cyclopts import App

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine

app = App(name="sign-ins", help="Browsers in which somebody is signed in.")


@app.command(name="list")
def list_sign_ins(*, user: str | None = None, engine: Engine = DEFAULT) -> None:
    """List the browsers in which you are signed in, or a user whom you are in charge of."""
    with engine.client() as client:
        found = client.sign_ins.list(user)
    rows = [(each.id, each.way, each.address, each.last_seen_at, each.agent) for each in found]
    columns = ["Id", "Way", "Address", "Last seen", "~Browser"]
    show.answer(engine, found, lambda: show.table(columns, rows, "Nobody is signed in."))


@app.command
def end(sign_in: str, *, engine: Engine = DEFAULT) -> None:
    """End a sign-in, by its id."""
    with engine.client() as client:
        client.sign_ins.end(sign_in)
    show.note("That browser is signed out.")


@app.command
def end_all(*, user: str | None = None, engine: Engine = DEFAULT) -> None:
    """Sign yourself out everywhere, or a user whom you are in charge of."""
    with engine.client() as client:
        ended = client.sign_ins.end_all(user)
    show.note(f"{ended} signed out.")
