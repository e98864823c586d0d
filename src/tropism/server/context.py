"""What a handler has at hand: the caller, the database, the engines. Never the request."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import insert, select

from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.errors import InvalidRequest
from tropism.server.fleet import Fleet
from tropism.server.principal import Principal
from tropism.server.secrets import Secrets
from tropism.server.settings import Settings
from tropism.server.snapshot import Snapshot
from tropism.server.tables.replays import replay

In = TypeVar("In")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one server process holds, from start to stop."""

    settings: Settings
    clock: Clock
    secrets: Secrets
    database: Database[Snapshot]
    fleet: Fleet
    shadows: asyncio.Semaphore
    """Bounds the answers that are made in the background, only to be compared."""
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    """Run something to its end in the background; the server waits for it before it stops."""


@dataclass(frozen=True, slots=True)
class Context:
    """One call. `replay` is the digest of its idempotency key, if it came with one."""

    services: Services
    principal: Principal
    replay: bytes | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self.services.database.snapshot

    async def read(self, function: Callable[[Reading, In], T], request: In) -> T:
        """Answer from a read-only transaction."""
        return await self.services.database.read(self.principal, function, request)

    async def write(self, function: Callable[[Writing, In], T], request: In) -> T:
        """The one write of a handler. With an idempotency key, a repeated call gets the first answer again."""
        if self.replay is None:
            return await self.services.database.write(self.principal, function, request)
        return await self.services.database.write(self.principal, _once, self.replay, function, request)


def _once(transaction: Writing, digest: bytes, function: Callable[[Writing, In], T], request: In) -> T:
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
