"""Work for a caller who hangs up is cancelled: nobody waits for the answer, and it holds an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

from tropism.engines.delay import Delay

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""ASGI's: what comes next from the caller, the last of which is `http.disconnect`."""
Out = TypeVar("Out")
LATER = 0.05
"""Seconds after which we look: what is quick has been answered by then, and looking takes a task."""


class HungUp(Exception):
    """The caller is gone, and so is the work."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Out], later: Delay) -> Out:
    """Do the work, in the task that calls this; raise `HungUp` when it was cancelled because the caller is gone.

    `later` says when to look, `LATER` seconds from now.
    """
    watch = _Watch(receive, later)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.is_gone:
            raise HungUp from None
        raise
    finally:
        watch.end()


class _Watch:
    """Cancels the task that made it, once the caller is gone."""

    def __init__(self, receive: Receive, later: Delay) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._receive, self._working, self.is_gone = receive, task, False
        self._looking: asyncio.Task[None] | None = None
        self._later, self._begins = later, later.call(self._begin)

    def end(self) -> None:
        self._later.cancel(self._begins)
        if self._looking is not None:
            self._looking.cancel()
        if self.is_gone:
            self._working.uncancel()

    def _begin(self) -> None:
        self._looking = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = self._working.cancel()
