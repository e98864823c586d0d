"""A write with an idempotency key is carried out once; for a day, a repeated call gets the first answer again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from sqlalchemy import delete, insert, select

from tropism.server.clock import EPOCH, first_id_at
from tropism.server.database.connect import Database
from tropism.server.database.session import Writing
from tropism.server.errors import InvalidRequest
from tropism.server.principal import SYSTEM
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
    a_day_ago = first_id_at((transaction.now - KEPT - EPOCH) // timedelta(milliseconds=1))
    oldest = select(replay.c.digest).where(replay.c.id < a_day_ago).order_by(replay.c.id).limit(AT_ONCE)
    return transaction.run(delete(replay).where(replay.c.digest.in_(oldest)))
