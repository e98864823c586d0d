"""Prepared inserts store what ordinary ones would, a few rows or many; one row that cannot be stored fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tropism.server.database.connect import Database
from tropism.server.database.prepared import MANY, Prepared
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.costs.counting import add_up
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.server.tables.interactions import interaction_body, interaction_count, interaction_label

WORDS = ["", " ", "\\", "\\N", "\\.", "a\tb\nc\rd", "\"quoted\", 'twice'", "é ☃ 𝄞", "{1,NULL}", "x" * 100_000]
_BODY, _LABEL, _COUNT = Prepared(interaction_body), Prepared(interaction_label), Prepared(add_up(interaction_count))


def bodies(number: int) -> list[tuple[Any, ...]]:
    said = [WORDS[i % len(WORDS)] for i in range(number)]
    return [(UUID(int=i), [{"content": word}], word, None, None, {word: 0.1}, None) for i, word in enumerate(said)]


def all_bodies(session: Reading) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.rows(select(interaction_body).order_by(interaction_body.c.id))]


@pytest.mark.parametrize("number", [1, MANY - 1, MANY, 200])
async def test_rows_come_back_as_they_were(database: Database[Snapshot], number: int) -> None:
    await database.write(SYSTEM, lambda transaction: transaction.put(_BODY, bodies(number)))
    assert await database.read(SYSTEM, all_bodies) == bodies(number)


def add(transaction: Writing, rows: Sequence[Any]) -> None:
    transaction.put(_LABEL, [(UUID(int=1), "key", f"{value}\0", UUID(int=value)) for value in rows])


async def test_a_row_that_is_there_already_fails_alone_among_many(database: Database[Snapshot]) -> None:
    await database.append(add, 7)
    rows = list(range(100))
    results = await asyncio.gather(*(database.append(add, row) for row in rows), return_exceptions=True)
    assert [row for row, result in zip(rows, results, strict=True) if isinstance(result, IntegrityError)] == [7]
    stored = await database.read(SYSTEM, lambda session: session.rows(select(interaction_label.c.value)))
    assert {row.value for row in stored} == {f"{row}\N{REPLACEMENT CHARACTER}" for row in rows}


async def test_sums_are_added_to_those_that_are_there(database: Database[Snapshot]) -> None:
    sums = [(UUID(int=1), hour, UUID(int=2), "LIVE", hour) for hour in range(50)]
    for _ in range(2):
        await database.write(SYSTEM, lambda transaction: transaction.put(_COUNT, sums))
    stored = await database.read(SYSTEM, lambda session: session.rows(select(interaction_count)))
    assert {row.hour: row.number for row in stored} == {hour: 2 * hour for hour in range(50)}
