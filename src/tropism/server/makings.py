"""Work that outlives the request that began it: who asks for the same again joins it, and hears what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tropism.server.errors import TropismError

log = logging.getLogger("tropism")
PATIENCE = 10.0
"""Seconds that a request waits for the end; then it hears how far the work is, and may ask again."""
KEPT = 600.0
"""Seconds for which the result is remembered, for a caller whose answer was lost."""


@dataclass(slots=True)
class Progress:
    """How far it is."""

    processed: int = 0
    total: int | None = None


class Makings:
    """What is being made in this process, by a name that the same request has again."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[asyncio.Task[UUID], Progress]] = {}

    def knows(self, name: bytes) -> bool:
        """Whether that was begun, and is not forgotten yet."""
        return name in self._known

    async def join(
        self, name: bytes, work: Callable[[Progress], Coroutine[Any, Any, UUID]], *, remember: bool
    ) -> tuple[UUID | None, Progress]:
        """Begin the work, or find it begun; wait a while. Its result, or None if it still goes on."""
        if name not in self._known:
            self._begin(name, work, KEPT if remember else 0.0)
        task, progress = self._known[name]
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        return (task.result() if done else None), progress

    def _begin(self, name: bytes, work: Callable[[Progress], Coroutine[Any, Any, UUID]], kept: float) -> None:
        progress = Progress()
        task = asyncio.create_task(work(progress))
        self._known[name] = task, progress
        loop = asyncio.get_running_loop()
        task.add_done_callback(lambda _: loop.call_later(kept, self._known.pop, name))
        task.add_done_callback(_tell)


def _tell(task: asyncio.Task[UUID]) -> None:
    """Perhaps nobody waits any more: what is not meant for a caller must be heard all the same."""
    if not task.cancelled() and (error := task.exception()) and not isinstance(error, TropismError):
        log.error("work in the background failed", exc_info=error)
