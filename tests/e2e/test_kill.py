"""Kill the engine again and again under mixed traffic: whatever it acknowledged is there, once, and counted once."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.e2e.process import ADMIN_KEY, SECONDS, Served

from tropism import APIConnectionError, APITimeoutError, AsyncTropism, InternalServerError, Tropism

KILLS = 20
CLIENTS = 8
SEED = 20
CASE, METRIC, VOTES, STARS, BETTER = "kills", "metric-test", "vote-test", "stars", "better"
LOST = (APIConnectionError, APITimeoutError, InternalServerError)
"""What a call may raise when the engine dies under it; anything else fails the test."""


@dataclass
class Acknowledged:
    """What the engine said is stored."""

    completions: dict[UUID, str] = field(default_factory=dict)
    values: dict[UUID, float] = field(default_factory=dict)
    """By completion: each is rated by nobody else, so that the last acknowledged value must be there."""
    preferences: dict[UUID, tuple[UUID, UUID]] = field(default_factory=dict)
    count: int = 0
    """How often it said so."""
    unsure: set[UUID] = field(default_factory=set)
    """Completions whose rating was sent, but never answered: it may be there or not."""


class User:
    """One client that does everything that a client does, and notes what was acknowledged."""

    def __init__(self, number: int, client: AsyncTropism, acknowledged: Acknowledged) -> None:
        self._random = random.Random(SEED * 1000 + number)
        self._client, self._acknowledged = client, acknowledged
        self._mine: list[UUID] = []

    async def act(self) -> None:
        actions: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._chat,
            self._chat,
            self._stream,
            self._log,
            self._rate,
            self._rate,
            self._rate,
            self._prefer,
        ]
        with suppress(*LOST):
            await self._random.choice(actions)()
            self._acknowledged.count += 1

    def _text(self) -> str:
        return f"{uuid4()} " + "word " * self._random.randrange(1, 30) + "end"

    def _took(self, id: UUID, text: str) -> None:
        assert id not in self._acknowledged.completions
        self._acknowledged.completions[id] = text
        self._mine.append(id)

    async def _chat(self) -> None:
        text, n = self._text(), self._random.choice((1, 1, 2))
        answer = await self._client.chat.create([{"role": "user", "content": text}], n=n)
        for choice in answer.choices:
            assert choice.message.content == text
            self._took(choice.completion_id, text)

    async def _stream(self) -> None:
        text = self._text()
        chunks = [chunk async for chunk in await self._client.chat.create([{"role": "user", "content": text}], True)]
        assert "".join(chunk.choices[0].delta.content for chunk in chunks) == text
        self._took(chunks[0].id, text)  # only here: a stream is acknowledged by its end

    async def _log(self) -> None:
        text, value = self._text(), float(self._random.randrange(6))
        made = await self._client.interactions.create(
            text,
            model=self._random.choice(("a", "b")),
            prompt="elsewhere",
            feedbacks=[{"feedback_key": STARS, "value": value}],
            ab_campaign=METRIC,
        )
        self._took(made.completion_id, text)
        self._acknowledged.values[made.completion_id] = value

    async def _rate(self) -> None:
        if not self._mine:
            return
        id, value = self._random.choice(self._mine), float(self._random.randrange(6))
        self._acknowledged.unsure.add(id)
        await self._client.feedback.log_metric(value, id, STARS)
        self._acknowledged.unsure.discard(id)
        self._acknowledged.values[id] = value

    async def _prefer(self) -> None:
        text = self._text()
        answer = await self._client.chat.create([{"role": "user", "content": text}], n=2, ab_campaign=VOTES)
        first, second = (choice.completion_id for choice in answer.choices)
        self._took(first, text)
        self._took(second, text)
        made = await self._client.feedback.log_preference(BETTER, first, second)
        self._acknowledged.preferences[made.id] = (first, second)


@asynccontextmanager
async def traffic(url: str, acknowledged: Acknowledged, numbers: range) -> AsyncIterator[None]:
    """Clients that never rest until the block ends."""
    stop = asyncio.Event()

    async def use(number: int) -> None:
        async with AsyncTropism(url, ADMIN_KEY, timeout=5) as client:
            client.set_default_use_case(CASE)
            user = User(number, client, acknowledged)
            while not stop.is_set():
                await user.act()

    users = [asyncio.create_task(use(number)) for number in numbers]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*users)


def prepare(url: str) -> None:
    """Half of the traffic is in a test on stars; a test on votes takes what is sent to it by name."""
    with Tropism(url, ADMIN_KEY) as client:
        client.use_cases.create(CASE)
        client.set_default_use_case(CASE)
        for model in ("a", "b"):
            client.models.attach(model, wait=True, make_default=True)
        for key in (STARS, BETTER):
            client.feedback.register_key(key)
            client.feedback.link(key)
        client.ab_tests.create(METRIC, STARS, ["a", "b"], traffic_split=0.5)
        client.ab_tests.create(VOTES, BETTER, ["a", "b"], traffic_split=0, feedback_type="preference")


async def test_what_was_acknowledged_survives_twenty_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)  # who asks a dead engine again only waits
    moments, acknowledged = random.Random(SEED), Acknowledged()
    for turn in range(KILLS + 1):
        engine = Served(tmp_path, "--port", "0", "--echo-models", "a,b")
        url = await asyncio.to_thread(engine.ready)
        if turn == 0:
            await asyncio.to_thread(prepare, url)
        async with traffic(url, acknowledged, range(turn * CLIENTS, (turn + 1) * CLIENTS)):
            enough = acknowledged.count + moments.randrange(1, 120)
            async with asyncio.timeout(SECONDS):
                while acknowledged.count < enough:
                    await asyncio.sleep(0.001)
            await asyncio.sleep(moments.uniform(0, 0.02))
            if turn < KILLS:
                await asyncio.to_thread(engine.kill)
        if turn == KILLS:
            assert await asyncio.to_thread(engine.stop) == 0
    check(tmp_path / "tropism.db", acknowledged)
    with capsys.disabled():
        completions, values = len(acknowledged.completions), len(acknowledged.values)
        print(  # noqa: T201
            f"\n{KILLS} kills; checked {completions} acknowledged completions, {values} values "
            f"and {len(acknowledged.preferences)} preferences"
        )


def check(file: Path, acknowledged: Acknowledged) -> None:
    """Compare the database with what was acknowledged, and every counter with a recount of the log."""
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)

    def rows(statement: str, *values: object) -> list[Any]:
        return database.execute(statement, values).fetchall()

    try:
        assert rows("PRAGMA integrity_check") == [("ok",)]
        assert rows("PRAGMA foreign_key_check") == []
        _check_completions(rows, acknowledged)
        _check_feedback(rows, acknowledged)
        _check_assigned(rows)
        _check_sums(rows)
        _check_pairs(rows, acknowledged)
    finally:
        database.close()


Rows = Callable[..., list[Any]]


def _check_completions(rows: Rows, acknowledged: Acknowledged) -> None:
    assert len(acknowledged.completions) > 20 * KILLS, "too little traffic to prove anything"
    logged = {UUID(bytes=id): text for id, text in rows("SELECT id, completion FROM interaction_body")}
    missing = {id for id, text in acknowledged.completions.items() if logged.get(id) != text}
    assert not missing
    both = "SELECT count(*) FROM interaction JOIN interaction_body USING (id)"
    assert rows("SELECT count(*) FROM interaction") == rows(both) == [(len(logged),)]


def _check_feedback(rows: Rows, acknowledged: Acknowledged) -> None:
    assert len(acknowledged.values) > 5 * KILLS
    found = [(UUID(bytes=id), value) for id, value in rows("SELECT completion_id, value FROM feedback")]
    stored = dict(found)
    assert len(stored) == len(found), "a value was stored twice"
    certain = {id: value for id, value in acknowledged.values.items() if id not in acknowledged.unsure}
    assert {id: stored.get(id) for id in certain} == certain
    assert set(acknowledged.values) <= set(stored)


def _check_assigned(rows: Rows) -> None:
    counted = {(test, model): n for test, model, n in rows("SELECT ab_test_id, model_id, assigned FROM ab_variant")}
    of_log = rows("SELECT ab_test_id, model_id, count(*) FROM interaction WHERE ab_test_id IS NOT NULL GROUP BY 1, 2")
    assert counted == {(test, model): n for test, model, n in of_log}
    assert len(counted) == 4
    assert all(counted.values())


def _check_sums(rows: Rows) -> None:
    """The units of a test, and the sums of each variant over its units, made anew from the log."""
    ((test, reference),) = rows("SELECT id, reference FROM ab_test WHERE key = ?", METRIC)
    values = rows(
        "SELECT v.position, i.ab_unit, f.value FROM feedback f JOIN interaction i ON i.id = f.completion_id "
        "JOIN ab_variant v ON v.ab_test_id = i.ab_test_id AND v.model_id = i.model_id WHERE i.ab_test_id = ?",
        test,
    )
    count: Counter[tuple[int, bytes]] = Counter()
    total: Counter[tuple[int, bytes]] = Counter()
    for position, unit, value in values:
        count[position, unit] += 1
        total[position, unit] += value - reference
    kept = rows("SELECT position, unit_id, feedbacks, total FROM ab_unit WHERE ab_test_id = ?", test)
    assert {(position, unit): (n, s) for position, unit, n, s in kept} == {
        place: (count[place], total[place]) for place in count
    }
    assert len(kept) > KILLS


def _check_pairs(rows: Rows, acknowledged: Acknowledged) -> None:
    stored = {
        UUID(bytes=id): (UUID(bytes=preferred), UUID(bytes=other))
        for id, preferred, other in rows("SELECT id, preferred_id, other_id FROM comparison")
    }
    assert {id: stored.get(id) for id in acknowledged.preferences} == acknowledged.preferences
    assert len(set(stored.values())) == len(stored), "a preference was stored twice"
    assert len(acknowledged.preferences) > KILLS
    of_log = rows(
        "SELECT p.position, o.position, count(*) FROM comparison c "
        "JOIN interaction i ON i.id = c.preferred_id JOIN interaction j ON j.id = c.other_id "
        "JOIN ab_variant p ON p.ab_test_id = i.ab_test_id AND p.model_id = i.model_id "
        "JOIN ab_variant o ON o.ab_test_id = j.ab_test_id AND o.model_id = j.model_id GROUP BY 1, 2"
    )
    recount = {(winner, loser): n for winner, loser, n in of_log}
    pairs = rows("SELECT position, other, wins, losses FROM ab_pair")
    assert pairs == [(0, 1, recount[0, 1], recount[1, 0])]
