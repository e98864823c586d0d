"""A clock that jumps by hours, back and forth: nothing is lost, done twice or stuck, and keys end when they should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from tests.chat.upstream import run_upstream
from tests.e2e.process import ADMIN_KEY, Served, served
from tests.evaluation.judge import RuleJudge, eventually
from tests.torture.acknowledged import Acknowledged
from tests.torture.clock import SetClock
from tests.torture.found import check, is_at_rest
from tests.torture.load import CASE, JUDGED, PRIVATE, User, evaluate, prepare

from tropism import AsyncTropism, AuthenticationError, RateLimitError, Tropism

HOUR = 3600
JUMPS = (0, -5, 9, -26, 3)
"""Hours beside the machine's clock, one after the other."""
ACTS = 60
HELLO = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def clock(tmp_path: Path) -> SetClock:
    return SetClock(tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "data"


@pytest.fixture
def judge() -> Iterator[RuleJudge]:
    with run_upstream() as upstream:
        yield RuleJudge(upstream, seconds=0.2)


def engine_in(data: Path, database: str, clock: SetClock) -> Any:
    """Only the engine goes by this clock: a PostgreSQL server goes by the machine's."""
    return served(data, "--port", "0", "--echo-models", "a,b", "--database", database, **clock.environment)


async def use(url: str, files: Path, acknowledged: Acknowledged, seed: str) -> None:
    """Do all that clients do, one thing after the other; nothing may fail."""
    async with AsyncTropism(url, ADMIN_KEY, timeout=20) as client:
        client.set_default_use_case(CASE)
        user = User(seed, url, client, files, acknowledged)
        before = acknowledged.count
        for _ in range(ACTS):
            await user.act()
        assert acknowledged.count == before + ACTS


def logged(url: str, case: str) -> list[UUID]:
    """The ids of all that a use case has, as its list shows them; they are in order of time."""
    with Tropism(url, ADMIN_KEY) as client:
        found = list(client.interactions.list_all(use_case=case))
    assert [each.created_at for each in found] == sorted((each.created_at for each in found), reverse=True)
    return [each.id for each in found]


def exported(url: str, case: str, files: Path) -> list[UUID]:
    with Tropism(url, ADMIN_KEY) as client:
        client.interactions.export(files / "export", use_case=case)
    return [UUID(msgspec.json.decode(line)["id"]) for line in (files / "export").read_bytes().splitlines()]


def all_is_shown(url: str, files: Path, acknowledged: Acknowledged) -> None:
    shown = []
    for case in (CASE, JUDGED, PRIVATE):
        ids = logged(url, case)
        assert len(ids) == len(set(ids))
        if case != PRIVATE:  # where interactions are deleted meanwhile
            assert exported(url, case, files) == ids[::-1]
        shown += ids
    assert set(acknowledged.completions) <= set(shown)


async def test_nothing_is_lost_or_done_twice_by_a_clock_that_jumps(
    clock: SetClock, judge: RuleJudge, data: Path, database: str
) -> None:
    acknowledged, files = Acknowledged(), data.parent / "files"
    with engine_in(data, database, clock) as engine:
        url = await asyncio.to_thread(engine.ready)
        await asyncio.to_thread(prepare, url, judge.attach)
        for hours in JUMPS:
            clock.set(hours * HOUR)
            await use(url, files, acknowledged, f"at {hours}")
            await asyncio.to_thread(all_is_shown, url, files, acknowledged)
            begun = len(judge.asked)
            await asyncio.to_thread(evaluate, url, judge.key, acknowledged)
            await asyncio.to_thread(eventually, lambda begun=begun: len(judge.asked) > begun)  # so it jumps under a job
        clock.set(0)
        await asyncio.to_thread(eventually, lambda: is_at_rest(database))
        with Tropism(url, ADMIN_KEY) as client:
            assert {client.jobs.get(id).attempt for id in acknowledged.jobs} == {1}, "a job was taken for a dead one's"
        assert engine.stop() == 0, engine.said()
    assert "Traceback" not in engine.said()
    check(database, data, acknowledged, at_rest=True)


async def test_an_engine_that_starts_before_its_own_log_goes_on(
    clock: SetClock, judge: RuleJudge, data: Path, database: str
) -> None:
    """Its ids are then lower than those that are there; while it runs, a process only makes higher ones."""
    acknowledged, files = Acknowledged(), data.parent / "files"
    for hours in (0, -5):
        clock.set(hours * HOUR)
        with engine_in(data, database, clock) as engine:
            url = await asyncio.to_thread(engine.ready)
            if not hours:
                await asyncio.to_thread(prepare, url, judge.attach)
            await use(url, files, acknowledged, f"at {hours}")
            await asyncio.to_thread(all_is_shown, url, files, acknowledged)
            await asyncio.to_thread(eventually, lambda: is_at_rest(database))
            assert engine.stop() == 0, engine.said()
        check(database, data, acknowledged, at_rest=True)


@pytest.fixture
def noon() -> int:
    """How many seconds this day's noon is from now: a few hours more or less are the same day."""
    now = datetime.now(UTC)
    return int((now.replace(hour=12, minute=0, second=0) - now).total_seconds())


@pytest.fixture
def engine(clock: SetClock, noon: int, data: Path, database: str) -> Iterator[Served]:
    clock.set(noon)
    with engine_in(data, database, clock) as engine:
        yield engine


@pytest.fixture
def client(engine: Served) -> Iterator[Tropism]:
    with Tropism(engine.ready(), ADMIN_KEY, timeout=20) as client:
        client.set_default_use_case("default")
        client.models.attach("a", wait=True, make_default=True)
        yield client


def test_a_key_ends_by_the_clock_as_it_stands(client: Tropism, engine: Served, clock: SetClock, noon: int) -> None:
    """A clock that was wrong for a while takes no key away and gives none back."""
    at_noon = datetime.now(UTC) + timedelta(seconds=noon)
    key = client.api_keys.create("for an hour", expires_at=at_noon + timedelta(hours=1)).key
    with Tropism(engine.lines[0].split()[4], key) as holder:
        for hours, is_valid in ((0, True), (2, False), (-5, True), (30, False), (0, True)):
            clock.set(noon + hours * HOUR)
            if is_valid:
                assert holder.use_cases.get("default")
            else:
                with pytest.raises(AuthenticationError, match="expired"):
                    holder.use_cases.get("default")


def test_a_limit_counts_each_request_once_whatever_day_it_is(client: Tropism, clock: SetClock, noon: int) -> None:
    client.limits.set("requests", 5, "day", use_case="default")
    admitted: dict[str, int] = {}
    for day, hours in (("this", 0), ("this", -5), ("next", 24), ("this", 5), ("next", 20), ("last", -24), ("this", 0)):
        clock.set(noon + hours * HOUR)
        for _ in range(2 if day == "this" else 7):
            with suppress(RateLimitError):
                client.chat.create(HELLO)
                admitted[day] = admitted.get(day, 0) + 1
    assert admitted == {"this": 5, "next": 5, "last": 5}
