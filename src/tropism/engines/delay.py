"""Calls that are made later, and nearly all canceled before: on one timer of the event loop, however many wait.

Each request wants some: when its caller is looked for, when its answer is overdue. A timer of the loop for each costs
more than all that is done with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType


@dataclass(slots=True, eq=False)
class Call:
    """One that waits."""

    due: float
    function: Callable[[], object]


class Delay:
    """Calls functions after the same time, in seconds. It belongs to the event loop that it is first used in."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[Call, None] = {}
        """In the order in which they are due."""
        self._timer: asyncio.TimerHandle | None = None

    def call(self, function: Callable[[], object]) -> Call:
        """Have it called when the time is over."""
        loop = asyncio.get_running_loop()
        call = Call(loop.time() + self._seconds, function)
        self._waiting[call] = None
        if self._timer is None:
            self._timer = loop.call_at(call.due, self._ring)
        return call

    def cancel(self, call: Call) -> None:
        """Have it not called. It may have been already."""
        self._waiting.pop(call, None)
        call.function = _nothing  # which leads back to whoever holds the call

    def limit(self) -> Limit:
        """Raise `TimeoutError` in a block that takes longer."""
        return Limit(self)

    def _ring(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while (first := self._first()) is not None and first.due <= loop.time():
                del self._waiting[first]
                first.function()
        finally:  # the others are called, too, when one fails
            first = self._first()
            self._timer = None if first is None else loop.call_at(first.due, self._ring)

    def _first(self) -> Call | None:
        return next(iter(self._waiting), None)


def _nothing() -> None:
    """What is called no more."""


class Limit:
    """A block that ends in time: `asyncio.timeout`, with a delay that others have as well."""

    def __init__(self, delay: Delay) -> None:
        self._delay = delay
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._call = self._delay.call(self._end)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._delay.cancel(self._call)
        # Who cancels besides us is obeyed.
        if self._is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()
