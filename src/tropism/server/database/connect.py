"""The database: one connection that writes, a pool that only reads, and the snapshot that the hot path looks at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError

from tropism.server.clock import Clock
from tropism.server.database.engines import READERS, engines, upkeep
from tropism.server.database.failures import is_away, reason
from tropism.server.database.migrate import migrate
from tropism.server.database.session import Reading, Writing
from tropism.server.database.writer import Insert, Writer
from tropism.server.errors import DatabaseAway
from tropism.server.identity.principal import SYSTEM, Principal

P = ParamSpec("P")
T = TypeVar("T")
FOLLOW_SECONDS = 0.5
"""How often to see whether another process changed what the snapshot holds."""
log = logging.getLogger("tropism.database")


class Versioned(Protocol):
    """What another process may have made a newer one of."""

    @property
    def version(self) -> int: ...


S = TypeVar("S", bound=Versioned)


class Database(Generic[S]):
    """Reads and writes as plain functions on a transaction, run outside the event loop.

    `load` reads all that the hot path needs; the result is `snapshot`, replaced before a write that changed it is
    answered. `version` reads how new it would be. `on_change` is called with every new one.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        load: Callable[[Reading], S],
        version: Callable[[Reading], int],
        *,
        max_pending_writes: int = 10_000,
    ) -> None:
        self._url, self._clock, self._max_pending = url, clock, max_pending_writes
        self._load, self._version = load, version
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self.on_change: Callable[[S], None] = lambda snapshot: None

    async def open(self) -> None:
        """Bring the schema up to date and start to serve."""
        self._write_engine, self._read_engine = await asyncio.to_thread(engines, self._url)
        await asyncio.to_thread(migrate, self._write_engine)
        self.snapshot = await self.read(SYSTEM, self._load)
        self._upkeep = upkeep(self._url)
        self._writer = Writer(self._write_engine, self._clock, self._load, self._publish, self._max_pending)
        self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Store what was accepted and let go of the files."""
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
        await self._writer.close()
        await asyncio.to_thread(self._upkeep.close)
        self._readers.shutdown()
        self._read_engine.dispose()
        self._write_engine.dispose()

    async def read(
        self,
        principal: Principal,
        function: Callable[Concatenate[Reading, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function` on a read-only transaction; `DatabaseAway` if there is none to be had."""

        def run() -> T:
            try:
                with self._read_engine.connect() as connection:
                    return function(Reading(connection, principal, self._clock), *args, **kwargs)
            except DBAPIError as error:
                if is_away(error):
                    raise DatabaseAway(f"the database cannot be read: {reason(error)}") from error
                raise

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def catch_up(self) -> bool:
        """Look now whether another process made a newer snapshot, and take it; False if ours is the newest."""
        before = self.snapshot.version
        try:
            if await self.read(SYSTEM, self._version) != before:
                self._publish(await self.read(SYSTEM, self._load))
        except DatabaseAway as error:
            log.warning("changes by other processes cannot be read: %s", error)
        return self.snapshot.version != before

    async def write(
        self,
        principal: Principal,
        function: Callable[Concatenate[Writing, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `function` in a transaction; return once it is on disk, or raise and leave nothing behind."""

        def run(transaction: Writing) -> T:
            return function(transaction, *args, **kwargs)

        result: T = await self._writer.write(principal, run)
        return result

    def append(self, insert: Insert, row: Any) -> asyncio.Future[None]:
        """Store one row with all that wait for the same `insert`. Done once it is on disk.

        Not a coroutine: to wait for several, asyncio would make a task of each.
        """
        return self._writer.append(insert, row)

    @property
    def pending_writes(self) -> int:
        """How many writes wait for the disk."""
        return self._writer.pending

    def wipe_log(self) -> None:
        """What was deleted is to leave the write-ahead log, too, as soon as no reader needs it."""
        self._upkeep.truncate_soon()

    def _publish(self, snapshot: S) -> None:
        if snapshot.version >= self.snapshot.version:  # else a reader was quicker than the answer to a writer
            self.snapshot = snapshot
            self.on_change(snapshot)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                await self.catch_up()
            except Exception:  # who followed no more would never hear of a key that is revoked elsewhere
                log.exception("changes by other processes could not be taken over; tried again")
