"""`tropism me`: whose key this is."""

from __future__ import annotations

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine


def me(*, engine: Engine = DEFAULT) -> None:
    """Show whose key you are using, and what it may do where."""
    with engine.client() as client:
        user = client.users.me()
    fields = {
        "Name": user.name,
        "Email": user.email,
        "Id": user.id,
        "Roles": [f"{membership.role} in {membership.team}" for membership in user.teams],
    }
    show.answer(engine, user, lambda: show.record(fields))
