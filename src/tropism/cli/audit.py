"""`tropism audit`: who changed what."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from cyclopts import App

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.sdk.client import Tropism
from tropism.wire import audit as wire

PAGE = 1000
app = App(name="audit", help="Who changed what, when and from where.")


@app.command(name="list")
def list_(*, user: str | None = None, action: str | None = None, limit: int = 20, engine: Engine = DEFAULT) -> None:
    """List changes, newest first.

    Parameters
    ----------
    user
        Only those of one user, by email.
    action
        Only one operation, such as post_api_v1_use_cases.
    limit
        At most so many.
    """
    with engine.client() as client:
        found = client.audit.list(user, action, limit=limit)
    rows = [(entry.number, entry.at, entry.user, entry.action, entry.path) for entry in found]
    columns = [">No", "At", "~User", "~Action", "~Path"]
    show.answer(engine, found, lambda: show.table(columns, rows, "Nothing was changed yet."))


@app.command
def export(*, engine: Engine = DEFAULT) -> None:
    """Print every change as JSON lines, newest first."""
    with engine.client() as client:
        for entry in _all(client):
            show.write(msgspec.json.encode(entry).decode() + "\n")


@app.command
def verify(*, engine: Engine = DEFAULT) -> None:
    """Check that the log is what was written; the exit code is 1 if it is not."""
    with engine.client() as client:
        verdict = client.audit.verify()
    fields = {
        "Verdict": "the chain holds" if verdict.holds else f"broken at entry {verdict.broken_at}",
        "Entries": "none" if verdict.first is None else f"{verdict.first} to {verdict.last}",
        "Last digest": verdict.last_digest,
    }
    show.answer(engine, verdict, lambda: show.record(fields))
    if not verdict.holds:
        raise SystemExit(1)


def _all(client: Tropism) -> Iterator[wire.AuditEntry]:
    before: int | None = None
    while page := client.audit.list(before=before, limit=PAGE):
        yield from page
        before = page[-1].number
