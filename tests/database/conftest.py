"""A database of its own for each test, without a server around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.snapshot import Snapshot
from tropism.testing.database import database_of


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database[Snapshot]]:
    opened = Database(database_of(tmp_path), Clock(), snapshot.load, snapshot.version)
    await opened.open()
    yield opened
    await opened.close()
