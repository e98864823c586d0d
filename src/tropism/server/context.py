"""What a handler has at hand: the caller, the database, the engines. Never the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from tropism.server.audit import Call, noted
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.identity.oidc_provider import Provider
from tropism.server.identity.passwords import Passwords
from tropism.server.identity.principal import Principal
from tropism.server.identity.secrets import Secrets
from tropism.server.limits.ledger import Ledger
from tropism.server.makings import Makings
from tropism.server.observability.observing import Observer, Seen
from tropism.server.prices import PriceList
from tropism.server.serving.doors import Doors
from tropism.server.serving.fleet import Fleet
from tropism.server.settings import Settings
from tropism.server.snapshot import Snapshot
from tropism.server.web.browser import Visit
from tropism.server.web.replays import once

In = TypeVar("In")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What each of our processes holds, server or worker, from start to stop."""

    settings: Settings
    clock: Clock
    secrets: Secrets
    database: Database[Snapshot]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    """Run something to its end in the background; the process waits for it before it stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Process):
    """What a server holds."""

    fleet: Fleet
    passwords: Passwords
    limits: Ledger
    provider: Provider | None
    """The identity provider with which people can sign in."""
    wake_workers: Callable[[], None]
    """Say that a job was put in the queue; it would be noticed within a second anyway."""
    observer: Observer
    doors: Doors
    """Who may ask which engine now."""
    prices: PriceList
    """What providers' models cost that are registered without a price."""
    makings: Makings = field(default_factory=Makings)
    """What is made beside requests, and outlives them."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server is told to stop: what would go on for hours, such as a watch, ends then."""
    used_keys: dict[UUID, float] = field(default_factory=dict)
    """When each api key was last used, in seconds since 1970; written down every minute."""
    rehashed_keys: dict[UUID, bytes] = field(default_factory=dict)
    """New digests of api keys that were used and are kept as hashes of an older master key; stored every minute."""
    used_sign_ins: dict[UUID, float] = field(default_factory=dict)
    """When each sign-in was last used, in seconds since 1970; written down every minute."""
    deletions: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when interactions are to be deleted; it would be noticed within a minute anyway."""
    shadows: set[UUID] = field(default_factory=set)
    """The answers that are being made in the background, only to be compared."""


@dataclass(frozen=True, slots=True)
class Context:
    """One call, and who sees it. `replay` is the digest of its idempotency key, if it came with one; `call` is for the
    audit log."""

    services: Services
    principal: Principal
    visit: Visit
    seen: Seen
    replay: bytes | None = None
    call: Call | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """What the answer says in its headers besides; refusals say it, too."""

    @property
    def snapshot(self) -> Snapshot:
        return self.services.database.snapshot

    async def read(self, function: Callable[[Reading, In], T], request: In) -> T:
        """Answer from a read-only transaction."""
        return await self.services.database.read(self.principal, function, request)

    async def write(self, function: Callable[[Writing, In], T], request: In) -> T:
        """The one write of a handler. With an idempotency key, a repeated call gets the first answer again."""
        if self.call is not None:
            function = partial(noted, self.call, function)
        if self.replay is None:
            return await self.services.database.write(self.principal, function, request)
        return await self.services.database.write(self.principal, once, self.replay, function, request)

    async def enter(self, function: Callable[[Writing, Call], T]) -> T:
        """The one write of a handler whose caller is nobody yet: it enters in the audit log itself what it does."""
        assert self.call is not None, "whoever changes something can be told from others"
        return await self.services.database.write(self.principal, function, self.call)
