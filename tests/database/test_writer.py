"""Group commit: what waits together is stored together, and what fails, fails alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.errors import NotFound, Overloaded
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.server.tables.access import team


def add(transaction: Writing, key: str) -> str:
    transaction.run(insert(team).values(id=transaction.new_id(), key=key, name=key))
    return key


def add_all(transaction: Writing, keys: Sequence[Any]) -> None:
    transaction.run(insert(team), [{"id": transaction.new_id(), "key": key, "name": key} for key in keys])


def add_and_fail(transaction: Writing, key: str) -> None:
    add(transaction, key)
    raise NotFound("after the row was written")


def keys(session: Reading) -> set[str]:
    return {row.key for row in session.rows(select(team.c.key))}


def count(session: Reading) -> int:
    found: int = session.value(select(func.count()).select_from(team))
    return found


class Gate:
    """Holds the writer up, so that all that comes in the meantime waits for one commit."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def wait(self, _: Writing) -> None:
        self.entered.set()
        assert self.open.wait(10)

    async def close(self, database: Database[Snapshot]) -> asyncio.Task[None]:
        held = asyncio.create_task(database.write(SYSTEM, self.wait))
        await asyncio.to_thread(self.entered.wait, 10)
        return held


async def test_many_at_once_all_commit(database: Database[Snapshot]) -> None:
    names = [f"t{i}" for i in range(200)]
    assert await asyncio.gather(*(database.write(SYSTEM, add, name) for name in names)) == names
    assert await database.read(SYSTEM, keys) == set(names)


async def test_one_failing_write_takes_nothing_else_with_it(database: Database[Snapshot]) -> None:
    gate = Gate()
    held = await gate.close(database)
    work = [add_and_fail if i % 7 == 3 else add for i in range(50)]
    waiting = [asyncio.create_task(database.write(SYSTEM, each, f"t{i}")) for i, each in enumerate(work)]
    twice = asyncio.create_task(database.write(SYSTEM, add, "t0"))
    await asyncio.sleep(0)
    gate.open.set()
    await held
    results = await asyncio.gather(*waiting, return_exceptions=True)
    good = {f"t{i}" for i in range(50) if i % 7 != 3}
    assert {result for result in results if isinstance(result, str)} == good
    assert [isinstance(result, NotFound) for result in results] == [i % 7 == 3 for i in range(50)]
    with pytest.raises(IntegrityError):
        await twice
    assert await database.read(SYSTEM, keys) == good


async def test_a_poison_row_among_many_fails_alone(database: Database[Snapshot]) -> None:
    gate = Gate()
    held = await gate.close(database)
    rows: list[Any] = [f"t{i}" for i in range(100)]
    rows[13], rows[77] = None, "t5"
    waiting = [database.append(add_all, row) for row in rows]
    gate.open.set()
    await held
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [i for i, result in enumerate(results) if isinstance(result, IntegrityError)] == [13, 77]
    assert all(result is None for i, result in enumerate(results) if i not in (13, 77))
    assert await database.read(SYSTEM, keys) == {row for row in rows if row is not None}


async def test_a_cancelled_caller_does_not_stop_the_others(database: Database[Snapshot]) -> None:
    gate = Gate()
    held = await gate.close(database)
    gone = asyncio.create_task(database.write(SYSTEM, add, "gone"))
    stays = asyncio.create_task(database.write(SYSTEM, add, "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    gate.open.set()
    await held
    assert await stays == "stays"
    assert await database.read(SYSTEM, keys) == {"gone", "stays"}, "what was accepted is stored"


async def test_what_a_write_reads_cannot_change_under_it(database: Database[Snapshot]) -> None:
    def add_next(transaction: Writing) -> int:
        size = count(transaction)
        add(transaction, f"t{size}")
        return size

    numbers = await asyncio.gather(*(database.write(SYSTEM, add_next) for _ in range(100)))
    assert sorted(numbers) == list(range(100))


async def test_the_snapshot_is_new_before_the_write_is_answered(database: Database[Snapshot]) -> None:
    def touch(transaction: Writing) -> None:
        transaction.touch()

    def touch_and_fail(transaction: Writing) -> None:
        transaction.touch()
        raise NotFound("and nothing changed")

    before = database.snapshot
    await database.write(SYSTEM, add, "quiet")
    with pytest.raises(NotFound):
        await database.write(SYSTEM, touch_and_fail)
    assert database.snapshot is before
    await database.write(SYSTEM, touch)
    assert database.snapshot is not before


async def test_too_many_waiting_writes_are_refused(tmp_path: Path) -> None:
    database = Database(
        f"sqlite:///{tmp_path / 'small.db'}", Clock(), snapshot.load, snapshot.version, max_pending_writes=5
    )
    await database.open()
    gate = Gate()
    held = await gate.close(database)
    waiting = [asyncio.create_task(database.write(SYSTEM, add, f"t{i}")) for i in range(8)]
    await asyncio.sleep(0)
    gate.open.set()
    await held
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(result, Overloaded) for result in results] == [False] * 5 + [True] * 3
    await database.close()


async def test_close_stores_what_was_accepted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'closed.db'}"
    database = Database(url, Clock(), snapshot.load, snapshot.version)
    await database.open()
    waiting = [asyncio.create_task(database.write(SYSTEM, add, f"t{i}")) for i in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*waiting)
    again = Database(url, Clock(), snapshot.load, snapshot.version)
    await again.open()
    assert await again.read(SYSTEM, count) == 50
    await again.close()


async def test_a_reader_never_waits_for_a_writer(database: Database[Snapshot]) -> None:
    gate = Gate()

    def write_slowly(transaction: Writing) -> None:
        add(transaction, "slow")
        gate.wait(transaction)

    held = asyncio.create_task(database.write(SYSTEM, write_slowly))
    await asyncio.to_thread(gate.entered.wait, 10)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*(database.read(SYSTEM, count) for _ in range(20))) == [0] * 20
    gate.open.set()
    await held
    assert await database.read(SYSTEM, count) == 1


async def test_one_reader_sees_one_state(database: Database[Snapshot]) -> None:
    began, written = threading.Event(), threading.Event()

    def look_twice(session: Reading) -> tuple[int, int]:
        first = count(session)
        began.set()
        assert written.wait(10)
        return first, count(session)

    looking = asyncio.create_task(database.read(SYSTEM, look_twice))
    await asyncio.to_thread(began.wait, 10)
    await database.write(SYSTEM, add, "meanwhile")
    written.set()
    assert await looking == (0, 0)
    assert await database.read(SYSTEM, count) == 1


async def test_a_reader_cannot_write(database: Database[Snapshot]) -> None:
    def sneak(session: Reading) -> None:
        session.rows(insert(team).values(id=session.clock.new_id(), key="x", name="x").returning(team.c.id))

    with pytest.raises(Exception, match="read-?only"):
        await database.read(SYSTEM, sneak)
    assert await database.read(SYSTEM, count) == 0
