"""`tropism users invite` and `set-password`: how people come by the password with which they sign in."""

from __future__ import annotations

import sys
from getpass import getpass

from tropism.cli import show
from tropism.cli.engine import DEFAULT, DEFAULT_URL, Engine
from tropism.sdk.errors import TropismError


def invite(email: str, *, engine: Engine = DEFAULT) -> None:
    """Make a link with which a user sets a password, once. Send it to them on a way that you trust."""
    with engine.client() as client:
        made = client.passwords.make_link(email)
    if engine.json:
        show.print_json(made)
        return
    show.write(f"{(engine.base_url or DEFAULT_URL).rstrip('/')}{made.path}\n")
    show.note(f"It is good once, until {made.expires_at.astimezone():%Y-%m-%d %H:%M}, and cannot be shown again.")


def set_password(email: str, *, engine: Engine = DEFAULT) -> None:
    """Set the password of a user, yourself for one. It is asked for, or read from standard input."""
    with engine.client() as client:
        link = client.passwords.make_link(email)
        client.passwords.set(link.token, _asked())
    show.note(f"{email} can sign in. Whoever was signed in as {email} is not any more.")


def _asked() -> str:
    """A password does not stand in the command: others on the machine see that, and the shell keeps it."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise TropismError("These were two different passwords.")
    return password
