"""A write with an idempotency key is carried out once; for a day, a repeated call gets the first answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select

from tropism.server.clock import first_id_at, milliseconds
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.errors import InvalidRequest
from tropism.server.identity.principal import SYSTEM
from tropism.server.tables.interactions import interaction
from tropism.server.tables.replays import replay

In = TypeVar("In")
T = TypeVar("T")

KEPT = timedelta(days=1)
AT_ONCE = 1_000


def once(transaction: Writing, digest: bytes, function: Callable[[Writing, In], T], request: In) -> T:
    """The answer of `function`, or what it answered to the same request before."""
    fingerprint = hashlib.sha256(msgspec.json.encode(request)).digest()
    known = transaction.row(select(replay).where(replay.c.digest == digest))
    if known is None:
        answer = function(transaction, request)
        values = {"digest": digest, "request": fingerprint, "id": transaction.new_id()}
        transaction.run(insert(replay).values(**values, answer=msgspec.json.encode(answer)))
        return answer
    if known.request != fingerprint:
        raise InvalidRequest("this idempotency key was used for another request", param="Idempotency-Key")
    # Only the bytes are needed: the HTTP layer sends them as they are.
    return msgspec.Raw(known.answer)  # type: ignore[return-value]


async def forget_old(database: Database[Any]) -> None:
    """Remove answers that are older than a day; in small steps, for every other write waits for each."""
    while await database.write(SYSTEM, _forget_some) == AT_ONCE:
        pass


def _forget_some(transaction: Writing) -> int:
    a_day_ago = first_id_at(milliseconds(transaction.now - KEPT))
    oldest = select(replay.c.digest).where(replay.c.id < a_day_ago).order_by(replay.c.id).limit(AT_ONCE)
    return transaction.run(delete(replay).where(replay.c.digest.in_(oldest)))


class _About(msgspec.Struct):
    """What an answer to a write may say about completions and users."""

    completion_id: UUID | None = None
    preferred_completion_id: UUID | None = None
    other_completion_id: UUID | None = None
    user: Any = None


async def forget_gone(database: Database[Any], user: UUID | None) -> None:
    """Remove answers about completions that are not in the log any more, and about a user who is to be forgotten."""
    last = UUID(int=0)
    while found := await database.read(SYSTEM, _about, last):
        last = found[-1][0]
        gone = await database.read(SYSTEM, _gone, found, user)
        if gone:
            await database.write(SYSTEM, _remove, gone)


def _about(session: Reading, last: UUID) -> list[tuple[UUID, _About]]:
    some = select(replay.c.id, replay.c.answer).where(replay.c.id > last).order_by(replay.c.id).limit(AT_ONCE)
    return [(row.id, _read(row.answer)) for row in session.rows(some)]


def _read(answer: bytes) -> _About:
    try:
        return msgspec.json.decode(answer, type=_About)
    except msgspec.ValidationError:  # no object, or one that uses such a word for something else
        return _About()


def _gone(session: Reading, found: list[tuple[UUID, _About]], user: UUID | None) -> list[UUID]:
    named = {id: _completions(about) for id, about in found}
    wanted: set[UUID] = set().union(*named.values())
    there = {row.id for row in session.rows(select(interaction.c.id).where(interaction.c.id.in_(wanted)))}
    told = {id for id, about in found if user is not None and about.user == str(user)}
    return [id for id, completions in named.items() if id in told or not completions <= there]


def _completions(about: _About) -> set[UUID]:
    named = (about.completion_id, about.preferred_completion_id, about.other_completion_id)
    return {id for id in named if id is not None}


def _remove(transaction: Writing, ids: list[UUID]) -> None:
    transaction.run(delete(replay).where(replay.c.id.in_(ids)))
