"""Where the database of a test's server is: a file, or a database of its own on a PostgreSQL server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

POSTGRES = "TROPISM_TEST_POSTGRES"
"""The variable that names a PostgreSQL server whose role may make databases."""


def database_of(data: Path) -> str:
    """The URL of the database that belongs to a data directory; the same one each time."""
    server = os.environ.get(POSTGRES)
    return _on_postgres(server, data) if server else f"sqlite:///{(data / 'tropism.db').absolute()}"


def _on_postgres(server: str, data: Path) -> str:
    import psycopg
    from psycopg.sql import SQL, Identifier

    name = "tropism_" + hashlib.sha256(str(data.absolute()).encode()).hexdigest()[:24]
    with psycopg.connect(server, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return f"{server.rpartition('/')[0]}/{name}"
