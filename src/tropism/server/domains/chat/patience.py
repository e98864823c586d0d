"""How long an answer may take, and when a model is asked once more: only where it certainly generated nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import TypeVar

from tropism.engines.protocol import EngineError, EngineTimeout, Piece
from tropism.wire.reliability import Reliability

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0


class Patience:
    """What an attachment says of time and of tries, for one answer of one model."""

    def __init__(self, says: Reliability | None) -> None:
        self._says = says or Reliability()
        self._deadline = time.monotonic() + self._says.total_seconds if self._says.total_seconds else None
        self._tries = 0

    @property
    def left(self) -> float | None:
        """Seconds until the whole has taken too long; None without such a limit."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def pause(self, failure: EngineError) -> float | None:
        """How long to wait before the next try; None if there is none.

        What the provider asks for is waited for, unless that is too long, or the time for the answer ends before.
        """
        self._tries += 1
        if not failure.not_begun or self._tries > self._says.retries:
            return None
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._tries - 1))
        pause = max(random.uniform(longest / 2, longest), failure.retry_after or 0)
        is_late = self.left is not None and pause >= self.left
        return None if is_late or pause > LONGEST_PAUSE else pause

    async def whole(self, answer: Awaitable[T]) -> T:
        """What comes in one piece, in time."""
        try:
            async with asyncio.timeout(self.left):
                return await answer
        except TimeoutError:
            raise self._ended() from None

    def timed(self, answer: AsyncGenerator[Piece, None], stream: bool) -> AsyncGenerator[Piece, None]:
        """The same pieces, in time. Without limits, it is the answer itself."""
        says = self._says
        if self._deadline is None and says.first_token_seconds is None and says.between_tokens_seconds is None:
            return answer
        return self._in_time(answer, stream)

    async def _in_time(self, answer: AsyncGenerator[Piece, None], stream: bool) -> AsyncGenerator[Piece, None]:
        # A whole answer comes as one piece: the first of it says nothing about how the model gets on.
        limit = self._says.first_token_seconds if stream else None
        what = "said nothing"
        async with aclosing(answer):
            while (piece := await self._next(answer, limit, what)) is not None:
                yield piece
                limit, what = (self._says.between_tokens_seconds if stream else None), "went silent"

    async def _next(self, answer: AsyncGenerator[Piece, None], limit: float | None, what: str) -> Piece | None:
        left = self.left
        ends = left is not None and (limit is None or left < limit)
        try:
            async with asyncio.timeout(left if ends else limit):
                return await anext(answer, None)
        except TimeoutError:
            if ends or limit is None:
                raise self._ended() from None
            raise EngineTimeout(f"it {what} for {limit:g} seconds, which is all that it has here") from None

    def _ended(self) -> EngineTimeout:
        seconds = self._says.total_seconds or 0
        return EngineTimeout(f"it did not end within {seconds:g} seconds, which is all that it has here")
