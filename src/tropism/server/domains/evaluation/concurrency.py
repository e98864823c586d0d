"""Many things at once, but not too many, and patience with those that fail for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from tropism.engines.protocol import EngineError
from tropism.server.jobs.protocol import JobFailed

T = TypeVar("T")

PAUSES: Sequence[float] = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try of a call that may work the next time."""
GIVE_UP_AFTER = 10
"""So many samples in a row that one model's engine failed on end the job: the others would cost time and no more."""


async def each(items: AsyncIterator[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Work on all items, `at_once` of them at a time, in their order. The first error stops all, and is raised."""
    running: set[asyncio.Task[None]] = set()
    try:
        async for item in items:
            running.add(asyncio.ensure_future(_awaited(work(item))))
            if len(running) >= at_once:
                running = await _some(running)
        while running:
            running = await _some(running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def together(*works: Awaitable[None]) -> None:
    """Do all of it at the same time. The first error stops all, and is raised as it is."""
    tasks = [asyncio.ensure_future(_awaited(work)) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def _some(running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Those that still run once at least one has ended."""
    done, left = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if error := task.exception():
            running -= done - {task}
            raise error
    return left


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The result of a call to an engine, tried again where that may help; the last error otherwise."""
    for pause in PAUSES:
        try:
            return await call()
        except EngineError as error:
            if error.status < 500:  # refused as it is: it would be refused again
                raise
        await asyncio.sleep(pause)
    return await call()


class Breaker:
    """Counts samples in a row on which an engine failed, and gives up when there are too many."""

    def __init__(self, what: str) -> None:
        self._what, self._row = what, 0

    def worked(self) -> None:
        self._row = 0

    def failed(self, error: EngineError) -> None:
        """Raises `JobFailed` with the engine's reason when it is the last straw."""
        self._row += error.status >= 500
        if self._row >= GIVE_UP_AFTER:
            raise JobFailed(f"{self._what} failed on {self._row} samples in a row: {error}")
