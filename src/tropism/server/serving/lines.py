"""Waiting for one of a few places, fairly: one line for each use case, and the lines take turns.

A use case that sends a hundred requests holds up another that sends one by one request, not by a hundred.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from uuid import UUID

from tropism.wire.reliability import Concurrency


class Full(Exception):
    """As many wait as may."""


class Lines:
    """Who is inside, and who waits. `enter` and `leave` come in pairs."""

    def __init__(self) -> None:
        self._places = 0
        self._inside = 0
        self._lines: OrderedDict[UUID, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    async def enter(self, use_case_id: UUID, says: Concurrency) -> None:
        """Wait until it is this use case's turn, or raise `Full`."""
        self._places = says.at_once
        self._let_in()
        if self._inside < self._places:
            self._inside += 1
            return
        if (waiting := self.waiting) >= says.waiting:
            raise Full(f"{self._inside} requests are at work and {waiting} wait, which is all it may have; try again")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(use_case_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its turn came in the very moment in which it left
                self.leave()
            raise

    def leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        """First comes the line that has waited longest for its turn; then it goes to the end."""
        while self._lines and self._inside < self._places:
            use_case_id, line = self._lines.popitem(last=False)
            turn = line.popleft()
            if line:
                self._lines[use_case_id] = line
            if not turn.done():  # or it went away
                self._inside += 1
                turn.set_result(None)
