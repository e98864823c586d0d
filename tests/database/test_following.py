"""An engine hears of what others change, also after it could not for once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import update

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.engines import engines
from tropism.server.database.session import Reading
from tropism.server.tables.snapshot import snapshot_version
from tropism.testing.database import database_of


async def test_a_reading_that_failed_once_does_not_end_it(tmp_path: Path) -> None:
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def version(session: Reading) -> int:
        if not failed.is_set():
            loop.call_soon_threadsafe(failed.set)
            raise ValueError("this row makes no sense to this release")
        return snapshot.version(session)

    database = Database(database_of(tmp_path), Clock(), snapshot.load, version)
    await database.open()
    before = database.snapshot.version
    await asyncio.wait_for(failed.wait(), 30)
    elsewhere, reading = engines(database_of(tmp_path))
    with elsewhere.begin() as connection:
        connection.execute(update(snapshot_version).values(number=snapshot_version.c.number + 1))
    async with asyncio.timeout(30):
        while database.snapshot.version == before:
            await asyncio.sleep(0.1)
    await database.close()
    elsewhere.dispose()
    reading.dispose()
