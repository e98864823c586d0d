"""How often somebody may try a password: few times for one account from one address, more often for each alone.

What is counted stands in this process's memory: trying costs no write, and a flood cannot fill the database. Every
account is counted that is named, whether it is there or not, so that the answer tells nobody.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable

from tropism.server.errors import TooManyCalls

WITHIN_SECONDS = 15 * 60.0
PER_ACCOUNT_AND_ADDRESS = 10
PER_ADDRESS = 30
PER_ACCOUNT = 100
"""From everywhere together: many machines that guess one password. Its owner waits with them."""
REMEMBERED = 100_000


class Attempts:
    """The attempts of the last minutes that did not succeed."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tried: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def take(self, account: str, address: str | None) -> None:
        """Count an attempt; raise `TooManyCalls` if there were too many. What is refused is not counted."""
        limits = self._limits(account, address)
        waits = [wait for key, limit in limits.items() if (wait := self._wait(key, limit)) > 0]
        if waits:
            raise TooManyCalls("too many attempts to sign in; try again later", retry_after=math.ceil(max(waits)))
        for key in limits:
            self._tried.setdefault(key, deque()).append(self._monotonic())
            self._tried.move_to_end(key)
        while len(self._tried) > REMEMBERED:
            self._tried.popitem(last=False)

    def succeeded(self, account: str, address: str | None) -> None:
        """The last attempt was right: it does not count, and neither do the mistypings before it."""
        pair, from_there, _ = self._limits(account, address)
        self._tried.pop(pair, None)
        if times := self._tried.get(from_there):
            times.pop()

    def _limits(self, account: str, address: str | None) -> dict[tuple[str, ...], int]:
        where = address or ""
        pair = ("account and address", account, where)
        return {pair: PER_ACCOUNT_AND_ADDRESS, ("address", where): PER_ADDRESS, ("account", account): PER_ACCOUNT}

    def _wait(self, key: tuple[str, ...], limit: int) -> float:
        """For how many seconds one more would be too many."""
        times, now = self._tried.get(key, deque[float]()), self._monotonic()
        while times and times[0] <= now - WITHIN_SECONDS:
            times.popleft()
        return times[-limit] + WITHIN_SECONDS - now if len(times) >= limit else 0.0
