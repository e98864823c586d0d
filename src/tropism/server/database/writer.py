"""Group commit: one thread carries out what concurrent callers want to write and commits it together.

A lone write costs one commit; a hundred at once cost one commit, too. Each runs in a savepoint of its own, so one that
fails takes nothing else with it, and each caller waits until its own write is on disk. Writes run one after another,
so what a write reads cannot change under it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import DBAPIError

from tropism.server.clock import Clock
from tropism.server.database import driver
from tropism.server.database.failures import is_away
from tropism.server.database.session import Reading, Writing
from tropism.server.errors import DatabaseAway, Overloaded, StorageFailed
from tropism.server.identity.principal import SYSTEM, Principal

S = TypeVar("S")
BATCH = 500
BUSY, GATHERING = 2, 0.001
"""After a commit of so many writes, the next one waits so many seconds for more: most of a commit's cost is its own."""

Work = Callable[[Writing], Any]
Insert = Callable[[Writing, Sequence[Any]], None]


@dataclass(slots=True)
class Pending:
    """One write, or one row for an `Insert` that takes many rows at once."""

    principal: Principal
    future: asyncio.Future[Any]
    work: Work | None = None
    insert: Insert | None = None
    row: Any = None


Outcome = tuple[Pending, Any, BaseException | None]


class Writer(Generic[S]):
    """The one connection that writes. `load` makes the snapshot, `publish` hands it over, before callers go on."""

    def __init__(
        self, engine: Engine, clock: Clock, load: Callable[[Reading], S], publish: Callable[[S], None], max_pending: int
    ) -> None:
        self._engine, self._clock, self._load, self._publish = engine, clock, load, publish
        self._max_pending = max_pending
        self._queue: SimpleQueue[Pending | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def write(self, principal: Principal, work: Work) -> Any:
        """Carry out `work` in a transaction; return its result once that is on disk."""
        return await self._put(Pending(principal, self._loop.create_future(), work=work))

    def append(self, insert: Insert, row: Any) -> asyncio.Future[None]:
        """Store a row; rows that wait for the same `insert` are handed to it together. Done once it is on disk."""
        return self._put(Pending(SYSTEM, self._loop.create_future(), insert=insert, row=row))

    @property
    def pending(self) -> int:
        """How many writes wait."""
        return self._queue.qsize()

    async def close(self) -> None:
        """Finish what was accepted, then stop."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, pending: Pending) -> asyncio.Future[Any]:
        if self._queue.qsize() < self._max_pending:
            self._queue.put(pending)
        else:
            pending.future.set_exception(Overloaded("too many writes are waiting for the disk; try again in a moment"))
        return pending.future

    def _run(self) -> None:
        batch: list[Pending] = []
        with self._engine.connect() as connection:
            while True:
                batch, is_last = self._next_batch(len(batch))
                if batch:
                    self._answer(*self._commit(connection, batch))
                if is_last:
                    return

    def _next_batch(self, last: int) -> tuple[list[Pending], bool]:
        """What waits, after `last` writes that were committed together; and whether that is all there will be."""
        batch: list[Pending] = []
        while len(batch) < BATCH and (not batch or not self._queue.empty()):
            pending = self._queue.get()
            if pending is None:
                return batch, True
            batch.append(pending)
            if len(batch) == 1 and last >= BUSY:
                time.sleep(GATHERING)
        return batch, False

    def _commit(self, connection: Connection, batch: list[Pending]) -> tuple[list[Outcome], S | None]:
        outcomes: list[Outcome] = []
        try:
            with _begun(connection):
                changed = self._carry_out(connection, batch, outcomes)
                snapshot = self._load(Reading(connection, SYSTEM, self._clock)) if changed else None
            return outcomes, snapshot
        except Exception as error:
            outcomes[:] = zip(batch, repeat(None), repeat(_failed(error)))
            return outcomes, None

    def _carry_out(self, connection: Connection, batch: list[Pending], outcomes: list[Outcome]) -> bool:
        """Add what comes of each; return whether the snapshot is another one then."""
        changed = False
        for group in _groups(batch):
            changed |= self._try(connection, group, outcomes)
        return changed

    def _try(self, connection: Connection, group: list[Pending], outcomes: list[Outcome]) -> bool:
        transaction = Writing(connection, group[0].principal, self._clock)
        driver.execute(connection, "SAVEPOINT one")
        try:
            results = _call(transaction, group)
        except Exception as error:
            if connection.invalidated:  # there is nothing to roll back to
                raise
            driver.execute(connection, "ROLLBACK TO SAVEPOINT one")
            driver.execute(connection, "RELEASE SAVEPOINT one")
            return self._apart(connection, group, error, outcomes)
        driver.execute(connection, "RELEASE SAVEPOINT one")
        outcomes += zip(group, results, repeat(None))
        return transaction.changed

    def _apart(self, connection: Connection, group: list[Pending], error: Exception, outcomes: list[Outcome]) -> bool:
        """One row of a group spoilt it: halve the group until that row is alone with its error."""
        if len(group) == 1:
            outcomes.append((group[0], None, _failed(error) if is_away(error) else error))
            return False
        middle = len(group) // 2
        changed = self._try(connection, group[:middle], outcomes)
        return self._try(connection, group[middle:], outcomes) or changed

    def _answer(self, outcomes: list[Outcome], snapshot: S | None) -> None:
        with contextlib.suppress(RuntimeError):  # a closed loop: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, outcomes, snapshot)

    def _settle(self, outcomes: list[Outcome], snapshot: S | None) -> None:
        if snapshot is not None:
            self._publish(snapshot)
        # An error's traceback holds our frames, and those the batch and its outcomes: neither may lead back to it.
        for pending, result, error in outcomes:
            future = pending.future
            del pending.future
            if future.done():  # the caller was cancelled; the write stands
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        outcomes.clear()


def _groups(batch: list[Pending]) -> list[list[Pending]]:
    """Rows for the same insert together; every other write alone."""
    groups: dict[Any, list[Pending]] = {}
    for pending in batch:
        groups.setdefault(pending.insert or id(pending), []).append(pending)
    return list(groups.values())


def _call(transaction: Writing, group: list[Pending]) -> list[Any]:
    first = group[0]
    if first.work is not None:
        return [first.work(transaction)]
    assert first.insert is not None
    first.insert(transaction, [pending.row for pending in group])
    return [None] * len(group)


def _begun(connection: Connection) -> Transaction:
    """A transaction. One that cannot begin has stored nothing, so a connection that broke meanwhile costs nobody."""
    try:
        return connection.begin()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return connection.begin()


def _failed(error: Exception) -> StorageFailed:
    """What the callers are told whose writes an error took with it."""
    failed = (DatabaseAway if is_away(error) else StorageFailed)(_what_is_known(error))
    failed.__cause__ = error
    return failed


def _what_is_known(error: Exception) -> str:
    """A connection that breaks may do so after the commit, before we hear of it."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return f"the database went away, and whether this was stored is not known: {str(error.orig).strip()}"
    reason = str(error.orig).strip() if isinstance(error, DBAPIError) else type(error).__name__
    return f"nothing was stored: {reason}"
