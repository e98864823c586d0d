"""Who may ask an engine now: nobody while it is known to be down, and not more at once than it may have.

A door belongs to an engine of this process, or to a model as it is placed in other pools. It closes after failures in a
row, and then lets one request find out whether the engine is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from uuid import UUID

from tropism.engines.protocol import EngineError, EngineTimeout, EngineUnavailable
from tropism.server.serving.lines import Full, Lines
from tropism.server.snapshot import ServedModel

FAILURES = 5
"""So many failures in a row close the door."""
FIRST_REST, LONGEST_REST = 5.0, 60.0


@dataclass(slots=True)
class Door:
    """The way to one engine."""

    failures: int = 0
    opens_at: float | None = None
    is_tried: bool = False
    """Somebody is finding out whether the engine is back."""
    lines: Lines = field(default_factory=Lines)


class Doors:
    """The doors to all engines of this process."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._doors: dict[tuple[UUID, tuple[str, ...]], Door] = {}

    def is_closed(self, model: ServedModel) -> bool:
        """Whether the model's engine is left alone."""
        door = self._doors.get((model.engine_id, model.pools))
        return door is not None and door.opens_at is not None

    @property
    def waiting(self) -> int:
        """How many requests wait in line."""
        return sum(door.lines.waiting for door in self._doors.values())

    def line(self, model: ServedModel, seconds: float | None = None) -> AbstractAsyncContextManager[None]:
        """Wait in line for the model's engine here, within this block, but not at its door."""
        return _place(self._doors.setdefault((model.engine_id, ()), Door()), model, model.use_case_id, seconds)

    @asynccontextmanager
    async def through(self, model: ServedModel, use_case_id: UUID, seconds: float | None = None) -> AsyncIterator[None]:
        """Ask the model's engine within this block, after so many seconds at most; raise where that is of no use."""
        door = self._doors.setdefault((model.engine_id, model.pools), Door())
        finds_out = self._admit(door)
        try:
            # What runs in other pools has its lines there.
            async with nullcontext() if model.pools else _place(door, model, use_case_id, seconds):
                yield
        except EngineError as error:
            self._note(door, error)
            raise
        else:
            door.failures, door.opens_at = 0, None
        finally:
            if finds_out:
                door.is_tried = False

    def _admit(self, door: Door) -> bool:
        """Whether this one finds out if the engine is back."""
        if door.opens_at is None:
            return False
        rest = door.opens_at - self._now()
        if door.is_tried or rest > 0:
            when = f"again in {rest:.0f} seconds" if rest > 0 else "by another request"
            why = f"it failed {door.failures} times in a row and is left alone; it is tried {when}"
            raise not_asked(EngineUnavailable(why), retry_after=max(rest, 1.0))
        door.is_tried = True
        return True

    def _note(self, door: Door, error: EngineError) -> None:
        """Count what says something about the engine: not what callers got wrong, and not a line that is full."""
        if error.status < 500 or not error.was_asked:
            return
        door.failures += 1
        if door.failures >= FAILURES:
            rest = min(LONGEST_REST, FIRST_REST * 2 ** (door.failures - FAILURES))
            door.opens_at = self._now() + max(rest, min(error.retry_after or 0, LONGEST_REST))


@asynccontextmanager
async def _place(door: Door, model: ServedModel, use_case_id: UUID, seconds: float | None) -> AsyncIterator[None]:
    """One of the engine's places, where they are counted."""
    if model.concurrency is None:
        yield
        return
    try:
        async with asyncio.timeout(seconds):
            await door.lines.enter(use_case_id, model.concurrency)
    except Full as full:
        raise not_asked(EngineUnavailable(str(full))) from None
    except TimeoutError:
        raise not_asked(EngineTimeout("it worked on others for all the time that this answer had")) from None
    try:
        yield
    finally:
        door.lines.leave()


def not_asked(error: EngineError, *, retry_after: float | None = None) -> EngineError:
    """The error, marked as one that says nothing about the engine: it was not even asked."""
    error.was_asked, error.not_begun, error.retry_after = False, True, retry_after
    return error
