"""The limits as this process counts them, in memory: what it was lent, what is held for requests, what was used.

Nothing is awaited while there is enough of what was lent. What is lent, and what was used by answers that are logged,
is in the database (leases.py), so that processes together keep a limit and no crash forgets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from tropism.server.background import alongside
from tropism.server.clock import Clock, milliseconds
from tropism.server.database.connect import Database
from tropism.server.identity.principal import SYSTEM
from tropism.server.limits import leases
from tropism.server.limits.windows import begin, end
from tropism.server.snapshot import ServedLimit, Snapshot

MARGIN_MS = 1000
"""A lease is not used in its last second: another process may already think that it has ended."""
NEWS_MS = 1000
"""How long what the database said of the others is believed when there is not enough left."""
NO_LIMIT = 1 << 62
log = logging.getLogger("tropism.limits")


@dataclass(slots=True)
class Account:
    """One limit in one minute, day or month."""

    limit: ServedLimit
    begins_ms: int
    ends_ms: int
    amount: int = 0
    """What the database said of the limit when it was asked last."""
    known: int = -1
    """What the snapshot said of it then: when that changes, the database is asked anew."""
    lent: int = 0
    until_ms: int = 0
    asked_ms: int = 0
    held: int = 0
    """What the requests under way may use."""
    used: int = 0
    """What the answers of this process have used."""
    others: int = 0
    others_used: int = 0
    wanted: int = 0
    """What those need who wait for the database."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def in_use(self) -> int:
        return self.held + self.used

    @property
    def left(self) -> int:
        """What is left of the limit, as far as this process knows."""
        return max(0, self.limit.amount - self.others - self.in_use)

    def is_live(self, now_ms: int) -> bool:
        in_time = now_ms + MARGIN_MS < self.until_ms <= now_ms + leases.FARTHEST_MS
        return in_time and self.known == self.limit.amount

    def free(self, now_ms: int) -> int:
        """What may be held at once, without asking."""
        return self.lent - self.in_use if self.is_live(now_ms) else 0

    def surely_lacks(self, units: int, now_ms: int) -> bool:
        """Whether asking again would not help: it was done a moment ago, and there was not enough left."""
        told = 0 <= now_ms - self.asked_ms < NEWS_MS and self.known == self.limit.amount
        return told and units > max(0, self.amount - self.others - self.in_use)

    @property
    def window(self) -> leases.Window:
        return self.limit.id, self.begins_ms


class Ledger:
    """The accounts of this process."""

    def __init__(self, database: Database[Snapshot], clock: Clock) -> None:
        self._database, self.clock = database, clock
        self.process_id: UUID = clock.new_id()
        self._accounts: dict[leases.Window, Account] = {}

    @property
    def now_ms(self) -> int:
        return milliseconds(self.clock.now())

    def accounts(self, limits: Iterable[ServedLimit]) -> list[Account]:
        """The account of each limit at this moment."""
        now = self.clock.now()
        return [
            self._account(limit, milliseconds(begin(limit.period, now)), milliseconds(end(limit.period, now)))
            for limit in limits
        ]

    def _account(self, limit: ServedLimit, begins_ms: int, ends_ms: int) -> Account:
        account = self._accounts.get((limit.id, begins_ms))
        if account is None:
            account = self._accounts[limit.id, begins_ms] = Account(limit, begins_ms, ends_ms)
        account.limit = limit  # its amount may be another one now
        return account

    async def lacks(self, account: Account, units: int) -> bool:
        """Whether the limit has not so much left. If it has, it can be held until something else is awaited."""
        account.wanted += units
        try:
            async with account.asking:
                if account.free(self.now_ms) >= units:
                    return False
                if not account.surely_lacks(units, self.now_ms):
                    await self._ask(account)
                return account.free(self.now_ms) < units
        finally:
            account.wanted -= units

    async def _ask(self, account: Account) -> None:
        if not account.is_live(self.now_ms):
            account.until_ms = 0  # nobody holds anything meanwhile
        kept, known = account.lent if account.until_ms else account.in_use, account.limit.amount
        wish = leases.Wish(account.window, self.process_id, kept, max(0, account.wanted - (kept - account.in_use)))
        grant = await self._database.write(SYSTEM, leases.take, wish)
        account.asked_ms, account.known = self.now_ms, known
        if grant is None:  # removed, and the snapshot does not know yet: it holds nobody up any more
            account.lent, account.until_ms = NO_LIMIT, min(account.ends_ms, self.now_ms + leases.FARTHEST_MS)
        else:
            account.amount, account.lent, account.until_ms = grant.amount, grant.lent, grant.until_ms
            account.others, account.others_used = grant.others, grant.others_used

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew leases as long as requests are under way that hold something."""
        async with alongside(self._keep()):
            yield

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(leases.SECONDS / 3)
            try:
                await self.renew()
            except Exception:
                log.exception("leases of limits could not be renewed")

    async def renew(self) -> None:
        """Prolong what is held by requests under way, and forget the accounts of times that have passed."""
        now_ms = self.now_ms
        for window, account in list(self._accounts.items()):
            if account.ends_ms <= now_ms and not account.held:
                del self._accounts[window]
        for account in [each for each in self._accounts.values() if each.held and each.ends_ms > now_ms]:
            async with account.asking:
                await self._ask(account)
