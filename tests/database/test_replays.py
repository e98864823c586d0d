"""Answers that are kept for repeated calls are kept for a day, and not for ever."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select

from tropism import Tropism
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.errors import InvalidRequest
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.server.tables.replays import replay
from tropism.server.web import replays
from tropism.testing import run_server


def keep(transaction: Writing, ages: list[timedelta]) -> None:
    now = datetime.now(UTC)
    for age in ages:
        id = transaction.clock.new_id(now - age)
        transaction.run(insert(replay).values(digest=uuid4().bytes * 2, request=b"", id=id, answer=b"1"))


def kept(session: Reading) -> int:
    found: int = session.value(select(func.count()).select_from(replay))
    return found


def answer(transaction: Writing, request: str) -> str:
    return request


async def test_only_what_is_older_than_a_day_is_forgotten(database: Database[Snapshot]) -> None:
    ages = [timedelta(hours=hours) for hours in (0, 1, 23, 25, 48, 1_000)]
    await database.write(SYSTEM, keep, ages)
    await replays.forget_old(database)
    assert await database.read(SYSTEM, kept) == 3


async def test_many_are_forgotten_in_steps(database: Database[Snapshot]) -> None:
    await database.write(SYSTEM, keep, [timedelta(days=2)] * (2 * replays.AT_ONCE + 1) + [timedelta(0)])
    await replays.forget_old(database)
    assert await database.read(SYSTEM, kept) == 1


async def test_a_repeated_write_is_answered_from_what_is_kept(database: Database[Snapshot]) -> None:
    digest = uuid4().bytes * 2
    assert await database.write(SYSTEM, replays.once, digest, answer, "request") == "request"
    again: Any = await database.write(SYSTEM, replays.once, digest, answer, "request")
    assert bytes(again) == b'"request"'
    with pytest.raises(InvalidRequest, match="another request"):
        await database.write(SYSTEM, replays.once, digest, answer, "another")


@pytest.mark.sqlite
async def test_forgetting_finds_the_old_ones_by_their_index(database: Database[Snapshot]) -> None:
    def plan(session: Reading) -> list[str]:
        old = "SELECT digest FROM replay WHERE id < x'00' ORDER BY id LIMIT 10"
        rows = session.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {old}").all()
        return [row[3] for row in rows]

    assert await database.read(SYSTEM, plan) == ["SEARCH replay USING COVERING INDEX ix_replay_id (id<?)"]


@pytest.mark.sqlite
def test_a_start_forgets(tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        for _ in range(3):
            client.use_cases.create(f"case-{uuid4().hex}")
    old = Clock().new_id(datetime.now(UTC) - timedelta(days=2))
    assert _count(tmp_path, old.bytes) == 3
    with run_server(data=tmp_path):
        pass
    assert _count(tmp_path) == 1


def _count(data: Path, age_two_of_them: bytes | None = None) -> int:
    connection = sqlite3.connect(data / "tropism.db")
    found: int = connection.execute("SELECT count(*) FROM replay").fetchone()[0]
    if age_two_of_them:
        two = "SELECT digest FROM replay LIMIT 2"
        connection.execute(f"UPDATE replay SET id = ? WHERE digest IN ({two})", (age_two_of_them,))
        connection.commit()
    connection.close()
    return found
