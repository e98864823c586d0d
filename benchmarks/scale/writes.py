"""Durable writes: interactions a second through our writer, beside the least that any program would have to do.

The floor puts the same rows into the same two tables and commits them in batches as large as ours were. Ours does,
besides: labels, counts, cost, latencies, and an answer to each caller after the commit that has its row.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert

from benchmarks.scale.page import Measured, Writes
from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.engines import engines
from tropism.server.database.session import Writing
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record
from tropism.server.tables.interactions import interaction, interaction_body
from tropism.testing.database import database_of
from tropism.wire.chat import ChatMessage

CALLERS, SECONDS, ROUNDS = 512, 5.0, 3
ROW = [column.name for column in interaction.c if column.name != "prompt_hash"]
BODY = [column.name for column in interaction_body.c]
ASKED = [ChatMessage(role="user", content="Where is my parcel? My number is 4711.")]


def measure(kind: str) -> Measured:
    """The medians of some rounds, each of ours and then the floor."""
    ours, floors, sizes = [], [], []
    with tempfile.TemporaryDirectory(prefix="tropism-scale-") as folder:
        url = database_of(Path(folder))
        for _ in range(ROUNDS):
            rate, size = asyncio.run(_ours(url))
            ours.append(rate)
            sizes.append(size)
            floors.append(_floor(url, max(1, round(size))))
    found = Writes(statistics.median(ours), statistics.median(floors), statistics.median(sizes))
    return Measured(kind, 0, {}, found)


async def _ours(url: str) -> tuple[float, float]:
    """Interactions a second, and how many went into one commit."""
    batches: list[int] = []

    def store(transaction: Writing, rows: Sequence[Any]) -> None:
        batches.append(len(rows))
        records.store(transaction, rows)

    database = Database(url, Clock(), snapshot.load, snapshot.version)
    await database.open()
    clock, end = Clock(), time.perf_counter() + SECONDS
    began = time.perf_counter()
    try:
        done = await asyncio.gather(*(_call(database, store, clock, end) for _ in range(CALLERS)))
    finally:
        await database.close()
    return sum(done) / (time.perf_counter() - began), statistics.mean(batches)


async def _call(database: Any, store: Callable[..., None], clock: Clock, end: float) -> int:
    done = 0
    while time.perf_counter() < end:
        await database.append(store, _record(clock.new_id()))
        done += 1
    return done


def _floor(url: str, size: int) -> float:
    writing, reading = engines(url)
    clock, done, began = Clock(), 0, time.perf_counter()
    while time.perf_counter() < began + SECONDS:
        _commit(writing, [_record(clock.new_id()) for _ in range(size)])
        done += size
    took = time.perf_counter() - began
    writing.dispose()
    reading.dispose()
    return done / took


def _commit(engine: Engine, made: list[Record]) -> None:
    rows = [{name: getattr(each, name) for name in ROW} | {"prompt_hash": bytes(16)} for each in made]
    bodies = [{name: getattr(each, name) for name in BODY} for each in made]
    with engine.begin() as connection:
        connection.execute(insert(interaction), rows)
        connection.execute(insert(interaction_body), bodies)


def _record(id: UUID) -> Record:
    return Record(
        id=id,
        use_case_id=UUID(int=1),
        model_id=UUID(int=2),
        session_id=id,
        user_id=UUID(int=id.int % 10_000),
        source="LIVE",
        messages=ASKED,
        completion="It left our warehouse this morning.",
        finish_reason="stop",
        prompt_tokens=20,
        completion_tokens=10,
        latency_ms=300.0,
        labels={"channel": "web"},
        cost_usd=0.001,
    )
