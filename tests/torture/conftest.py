"""Where a tortured engine keeps everything: SQLite, and in `make torture` a PostgreSQL server of its own as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres import postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.torture)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database. A file is where an engine looks for it by itself, in `data`."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'data' / 'tropism.db'}"
        return
    with postgres() as server:
        yield server.url
