"""Counts the requests that an engine works on, so that closing it can wait for them."""

from __future__ import annotations

import asyncio
from types import TracebackType


class InFlight:
    """Enter it for the time of one request."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    def __enter__(self) -> None:
        self._count += 1
        self._none.clear()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._count -= 1
        if not self._count:
            self._none.set()

    async def drained(self, seconds: float) -> bool:
        """Wait until there are none, but no longer than that; say whether there are none."""
        try:
            await asyncio.wait_for(self._none.wait(), seconds)
        except TimeoutError:
            return False
        return True
