"""What a job makes, put into the storage: noted before, confirmed after, and alive in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tropism.server.errors import StorageFailed
from tropism.server.files import model_files, stored_files
from tropism.server.files.carrying import Here
from tropism.server.jobs.protocol import JobFailed, Run

TOLD_EVERY = 0.5
"""Seconds between two words about how far it is."""


async def store(run: Run[Any], here: Sequence[Here], stage: str, *, is_counted: bool = False) -> None:
    """Have files of this machine in the storage. With `is_counted` their bytes are what is done in the stage."""
    if not model_files.are_stored(run.services.settings):
        raise JobFailed("the engines keep models in a storage, and this worker has none: start it with their --storage")
    try:
        await _store(run, here, stage, is_counted)
    except (StorageFailed, OSError) as error:
        raise JobFailed(f"it could not be put into the storage: {error}") from None


async def _store(run: Run[Any], here: Sequence[Here], stage: str, is_counted: bool) -> None:
    settings, alive = run.services.settings, Pulse(run, stage)
    files = [await model_files.measured(each, alive) for each in here]
    if is_counted:
        await run.begin(stage, total=sum(each.size for each in files))
    missing = await run.write(stored_files.expect, files)
    await model_files.put(settings, here, missing, Pulse(run, stage, counts=is_counted))
    await run.write(stored_files.confirm, files)
    if is_counted:
        further = sum(each.size for each in files) - await run.processed(stage)
        await run.write(lambda transaction: None, stage=stage, advance=further)


class Pulse:
    """Says now and then that the job comes further, and with `counts` how many bytes."""

    def __init__(self, run: Run[Any], stage: str, *, counts: bool = False) -> None:
        self._run, self._stage, self._counts = run, stage, counts
        self._size, self._told = 0, run.services.clock.monotonic()

    async def __call__(self, size: int) -> None:
        self._size += size
        if (now := self._run.services.clock.monotonic()) - self._told > TOLD_EVERY:
            advance = self._size if self._counts else 0
            await self._run.write(lambda transaction: None, stage=self._stage, advance=advance)
            self._size, self._told = 0, now
