"""The connections to the database that a URL names."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tropism.server.database import postgres, sqlite

READERS = 4


class Upkeep(Protocol):
    """What goes on beside the connections for as long as the database is served."""

    def truncate_soon(self) -> None: ...
    def close(self) -> None: ...


class NoUpkeep:
    """PostgreSQL sees to itself."""

    def truncate_soon(self) -> None: ...
    def close(self) -> None: ...


def engines(url: str) -> tuple[Engine, Engine]:
    """Connections that write, one transaction after another, and a pool of `READERS` that cannot."""
    parsed = _parse(url)
    return sqlite.engines(parsed, READERS) if _is_sqlite(parsed) else postgres.engines(parsed, READERS)


def only_reading(url: str) -> Engine:
    """Connections that can only read, for a process that works beside the server."""
    return engines(url)[1]


def upkeep(url: str) -> Upkeep:
    """Begin the upkeep of a database whose schema is there."""
    parsed = _parse(url)
    return sqlite.checkpointer(parsed) if _is_sqlite(parsed) else NoUpkeep()


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("--database takes sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        given = parsed.render_as_string()  # which hides the password
        raise ValueError(f"--database takes sqlite:///PATH or postgresql://…, not {given!r}")
    return parsed
