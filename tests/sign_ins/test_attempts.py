"""How often a password can be tried, by account and by address, whether the account is there or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.sign_ins.conftest import Browser, Person

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.sign_ins import attempts
from tropism.server.domains.sign_ins.attempts import PER_ACCOUNT, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, WITHIN
from tropism.server.errors import TooManyCalls
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.server.tables.sign_ins import sign_in_attempt
from tropism.testing import run_server

NewBrowser = Callable[[], Browser]
WITHIN_SECONDS = WITHIN.total_seconds()


class Hands(Clock):
    """A clock that a test moves."""

    time = datetime(2026, 3, 15, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def new_id(self, at: datetime | None = None) -> UUID:
        return super().new_id(at or self.time)


class Door:
    """Where attempts are counted."""

    def __init__(self, database: Database[Snapshot]) -> None:
        self.database = database

    async def take(self, account: str, address: str) -> UUID:
        return await self.database.write(SYSTEM, attempts.take, account, address)

    async def allowed(self, account: str, address: str, most: int = 200) -> int:
        for number in range(most):
            try:
                await self.take(account, address)
            except TooManyCalls:
                return number
        return most


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def door(tmp_path: Path, clock: Hands) -> AsyncIterator[Door]:
    database: Database[Snapshot] = Database(f"sqlite:///{tmp_path}/t.db", clock, snapshot.load, snapshot.version)
    await database.open()
    yield Door(database)
    await database.close()


async def test_each_limit_holds_alone(door: Door) -> None:
    assert await door.allowed("a", "1") == PER_ACCOUNT_AND_ADDRESS
    assert sum([await door.allowed(f"b{number}", "2") for number in range(10)]) == PER_ADDRESS
    assert sum([await door.allowed("c", f"3.{number}") for number in range(12)]) == PER_ACCOUNT
    assert await door.allowed("d", "4", 1) == 1


async def test_time_heals_and_says_when(door: Door, clock: Hands) -> None:
    await door.take("a", "1")
    clock.time += timedelta(seconds=60)
    await door.allowed("a", "1")
    with pytest.raises(TooManyCalls, match="in 14 minutes") as refused:
        await door.take("a", "1")
    assert refused.value.retry_after == WITHIN_SECONDS - 60
    clock.time += WITHIN - timedelta(seconds=60)
    assert await door.allowed("a", "1") == 1


async def test_success_forgives_the_account_and_not_the_address(door: Door) -> None:
    for _ in range(4):
        await door.take("a", "1")
    await door.database.write(SYSTEM, attempts.succeeded, await door.take("a", "1"), "a", "1")
    assert await door.allowed("a", "1") == PER_ACCOUNT_AND_ADDRESS
    assert await door.allowed("b", "1") + await door.allowed("c", "1") == PER_ADDRESS - 4 - PER_ACCOUNT_AND_ADDRESS


async def test_a_network_that_one_machine_has_counts_as_one_address(door: Door) -> None:
    sprayed = [await door.allowed(f"a{number}", f"2001:db8:1:2::{number:x}", 1) for number in range(PER_ADDRESS + 5)]
    assert sum(sprayed) == PER_ADDRESS
    assert await door.allowed("b", "2001:db8:1:3::1", 1) == 1
    assert await door.allowed("c", "::ffff:192.0.2.1") + await door.allowed("c", "192.0.2.1") == PER_ACCOUNT_AND_ADDRESS


async def test_what_counts_no_more_is_forgotten(door: Door, clock: Hands) -> None:
    await door.take("a", "1")
    clock.time += WITHIN + timedelta(seconds=1)
    await door.take("a", "1")
    await door.database.write(SYSTEM, attempts.forget_old)
    assert await door.database.read(SYSTEM, lambda session: len(session.rows(sign_in_attempt.select()))) == 1


def test_servers_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_SECRET_KEY", "for-tests-only-" * 3)
    with run_server() as first, run_server(database=first.database) as second:
        with Browser(first.base_url, "198.18.7.7") as one, Browser(second.base_url, "198.18.7.7") as two:
            statuses = [browser.sign_in("ada@example.com").status_code for _ in range(8) for browser in (one, two)]
        assert statuses == [401] * PER_ACCOUNT_AND_ADDRESS + [429] * (16 - PER_ACCOUNT_AND_ADDRESS)


@pytest.mark.parametrize("is_here", [True, False])
def test_too_many_are_refused_with_the_right_password_too(browser: Browser, person: Person, is_here: bool) -> None:
    email = person.email if is_here else f"{uuid4().hex}@example.com"
    statuses = [browser.sign_in(email, "not the password").status_code for _ in range(PER_ACCOUNT_AND_ADDRESS)]
    assert set(statuses) == {401}
    answer = browser.sign_in(email)
    assert (answer.status_code, answer.json()["type"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= WITHIN_SECONDS


def test_its_owner_still_comes_in_from_elsewhere(browser: Browser, new_browser: NewBrowser, person: Person) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        browser.sign_in(person.email, "not the password")
    assert new_browser().sign_in(person.email).status_code == 201


def test_a_present_password_cannot_be_tried_for_ever(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email)
    body = {"password": "not the password", "new_password": "a quite different one"}
    answers = [browser.post("/api/v1/users/me/password", json=body).status_code for _ in range(11)]
    assert answers == [403] * PER_ACCOUNT_AND_ADDRESS + [429]
