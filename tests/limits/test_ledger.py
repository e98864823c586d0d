"""Several processes that share a limit, clocks that move on, and processes that die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Writing
from tropism.server.domains.limits.admission import Held, _hold
from tropism.server.errors import TooManyCalls
from tropism.server.identity.principal import SYSTEM
from tropism.server.limits import leases
from tropism.server.limits.ledger import Ledger
from tropism.server.limits.windows import begin, end
from tropism.server.snapshot import ServedLimit, Snapshot
from tropism.server.tables.limits import usage_lease, usage_limit
from tropism.wire.limits import Period

NOON = datetime(2026, 3, 15, 12, 0, 30, tzinfo=UTC)


class Hands(Clock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


@asynccontextmanager
async def process(path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    """One more process on the same database."""
    database: Database[Snapshot] = Database(f"sqlite:///{path}", clock, snapshot.load, snapshot.version)
    await database.open()
    yield Ledger(database, clock)
    await database.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def ledgers(tmp_path: Path, clock: Hands) -> AsyncIterator[list[Ledger]]:
    async with process(tmp_path / "t.db", clock) as one, process(tmp_path / "t.db", clock) as two:
        yield [one, two]


async def limit_of(ledger: Ledger, amount: int, period: Period = "day") -> ServedLimit:
    id = UUID(int=amount + 1)

    def write(transaction: Writing) -> None:
        values = {"id": id, "kind": "user", "subject_id": id, "measure": "requests", "period": period}
        transaction.run(insert(usage_limit).values(**values, amount=amount))

    await ledger._database.write(SYSTEM, write)
    return ServedLimit(id=id, kind="user", measure="requests", period=period, amount=amount)


async def enter(ledger: Ledger, limit: ServedLimit, units: int = 1) -> Held | None:
    """Hold something, or None if it was refused."""
    held = Held(ledger, ledger.accounts([limit]), {"requests": units})
    try:
        await _hold(held)
    except TooManyCalls:
        return None
    return held


async def finish(ledger: Ledger, held: Held, units: int = 1) -> None:
    await ledger._database.write(SYSTEM, leases.spend, held.use({"requests": units}))


@pytest.mark.parametrize("amount", [1, 7, 100])
async def test_processes_together_let_in_exactly_as_many(ledgers: list[Ledger], amount: int) -> None:
    limit = await limit_of(ledgers[0], amount)
    held = await asyncio.gather(*(enter(ledgers[i % 2], limit) for i in range(4 * amount)))
    assert sum(each is not None for each in held) == amount


async def test_one_process_gets_all_that_there_is(ledgers: list[Ledger]) -> None:
    limit = await limit_of(ledgers[0], 50)
    found = [await enter(ledgers[0], limit) for _ in range(60)]
    assert sum(each is not None for each in found) == 50


async def test_what_is_given_back_can_be_had_again(ledgers: list[Ledger]) -> None:
    limit = await limit_of(ledgers[0], 3)
    held = [await enter(ledgers[0], limit) for _ in range(3)]
    assert await enter(ledgers[0], limit) is None
    assert held[0] is not None
    held[0].give_back()
    assert await enter(ledgers[0], limit) is not None
    assert await enter(ledgers[0], limit) is None


async def test_counting_begins_anew_with_the_clock(ledgers: list[Ledger], clock: Hands) -> None:
    limit = await limit_of(ledgers[0], 1, "minute")
    assert await enter(ledgers[0], limit) is not None
    clock.time += timedelta(seconds=29)
    assert await enter(ledgers[0], limit) is None
    clock.time += timedelta(seconds=1)
    assert await enter(ledgers[0], limit) is not None


async def test_a_dead_process_gives_back_what_it_did_not_use(
    ledgers: list[Ledger], clock: Hands, tmp_path: Path
) -> None:
    limit = await limit_of(ledgers[0], 80)
    held = await enter(ledgers[0], limit)  # and is lent ten
    assert held is not None
    await finish(ledgers[0], held)
    async with process(tmp_path / "t.db", clock) as other:
        assert sum([await enter(other, limit) is not None for _ in range(90)]) == 70
        clock.time += timedelta(seconds=leases.SECONDS)
        for _ in range(3):
            await other.renew()
        assert sum([await enter(other, limit) is not None for _ in range(90)]) == 9


async def test_a_long_answer_keeps_its_place(ledgers: list[Ledger], clock: Hands) -> None:
    limit = await limit_of(ledgers[0], 2)
    assert await enter(ledgers[0], limit) is not None
    for _ in range(20):
        clock.time += timedelta(seconds=leases.SECONDS / 3)
        await ledgers[0].renew()
    assert await enter(ledgers[1], limit) is not None
    assert await enter(ledgers[1], limit) is None


async def test_a_clock_that_is_set_back_holds_nothing_up_and_lets_in_no_more(
    ledgers: list[Ledger], clock: Hands
) -> None:
    """A lease of the clock of before would hold for hours."""
    limit = await limit_of(ledgers[0], 3)
    held = [await enter(ledgers[0], limit) for _ in range(3)]
    assert await enter(ledgers[1], limit) is None
    assert held[0] is not None
    assert held[1] is not None
    await finish(ledgers[0], held[0])
    held[1].give_back()
    clock.time -= timedelta(hours=2)
    await ledgers[0].renew()
    assert await enter(ledgers[1], limit) is not None, "one is used, one is held, one was given back"
    assert await enter(ledgers[1], limit) is None
    assert await enter(ledgers[0], limit) is None


async def test_a_smaller_limit_holds_at_once(ledgers: list[Ledger]) -> None:
    limit = await limit_of(ledgers[0], 80)
    held = await enter(ledgers[0], limit)
    assert held is not None

    def lower(transaction: Writing) -> None:
        transaction.run(usage_limit.update().values(amount=1))

    await ledgers[0]._database.write(SYSTEM, lower)
    smaller = ServedLimit(id=limit.id, kind="user", measure="requests", period="day", amount=1)
    assert await enter(ledgers[0], smaller) is None


async def test_refusals_do_not_write(ledgers: list[Ledger]) -> None:
    limit = await limit_of(ledgers[0], 1)
    assert await enter(ledgers[0], limit) is not None
    assert await enter(ledgers[0], limit) is None
    await ledgers[0]._database.write(SYSTEM, lambda transaction: transaction.run(usage_lease.delete()))
    assert await enter(ledgers[0], limit) is None
    rows = await ledgers[0]._database.read(SYSTEM, lambda session: session.rows(select(usage_lease)))
    assert rows == [], "a second refusal did not ask the database"


async def test_old_leases_are_tidied_away(ledgers: list[Ledger], clock: Hands) -> None:
    limit = await limit_of(ledgers[0], 5, "minute")
    held = await enter(ledgers[0], limit)
    assert held is not None
    clock.time += timedelta(days=2)
    await ledgers[0]._database.write(SYSTEM, leases.tidy)
    rows = await ledgers[0]._database.read(SYSTEM, lambda session: session.rows(select(usage_lease)))
    assert rows == []


@pytest.mark.parametrize(
    ("period", "began", "ends"),
    [
        ("minute", NOON.replace(second=0), NOON.replace(minute=1, second=0)),
        ("day", datetime(2026, 3, 15, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC)),
        ("month", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
def test_periods_are_those_of_the_clock(period: Period, began: datetime, ends: datetime) -> None:
    assert (begin(period, NOON), end(period, NOON)) == (began, ends)
