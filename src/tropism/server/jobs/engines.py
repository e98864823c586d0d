"""Engines that a worker runs for its jobs: started when one is first asked for, shared, stopped with the worker.

A worker runs its own and does not ask the server's: theirs have its lower priority, so that a judge that reads a
thousand answers takes no slot from people who wait for theirs. Model files are mapped into memory, and two processes
that run the same model share the pages.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tropism.engines.in_flight import InFlight
from tropism.engines.protocol import Engine, EngineUnavailable, State
from tropism.engines.registry import make_engine
from tropism.server.context import Process
from tropism.server.database.session import Reading
from tropism.server.files.model_files import fetch, files_of, local_path
from tropism.server.identity.principal import SYSTEM
from tropism.server.serving.adapters import NONE, Adapters, adapter_of, answering, deployed_adapters
from tropism.server.serving.deployment import Deployment, deployment_of, is_prepared
from tropism.server.settings import Settings
from tropism.server.tables.models import model

PATIENCE = 60.0
"""Seconds to wait for the file of a bundled model, which the server prepares at its first start."""


@dataclass(slots=True)
class Borrowed:
    """A running engine and those who use it."""

    deployment: Deployment
    engine: Engine
    uses: InFlight = field(default_factory=InFlight)
    broken: bool = False


class Engines:
    """The engines of a worker, by the id of their model."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._running: dict[UUID, Borrowed] = {}
        self._starting: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def engine(self, model_id: UUID) -> AsyncIterator[Engine]:
        """The engine that answers for a model, a variant or an adapter of it. Within the block it is not stopped."""
        row = await self._row(model_id)
        database, settings = self._process.database, self._process.settings
        await fetch(database, settings, await database.read(SYSTEM, _adapter_files, model_id))
        adapter, adapters = await database.read(SYSTEM, _adapters, settings, model_id, row.id)
        wanted = deployment_of(row, self._process.secrets, settings, adapters)
        async with self._starting[row.id]:
            borrowed = await self._up(row.id, wanted)
        with borrowed.uses:
            yield answering(borrowed.engine, borrowed.deployment.source.adapters, adapter)

    async def close(self) -> None:
        """Stop them all."""
        await asyncio.gather(*(borrowed.engine.close() for borrowed in self._running.values()), return_exceptions=True)

    async def _row(self, model_id: UUID) -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                while not is_prepared(row := await self._process.database.read(SYSTEM, _deployed, model_id)):
                    await asyncio.sleep(0.5)
                return row
        except TimeoutError:
            raise EngineUnavailable(f"the file of model {row.key!r} is not there; the server's log says why") from None

    async def _up(self, id: UUID, wanted: Deployment) -> Borrowed:
        running = self._running.get(id)
        if running is not None and not running.broken and await _serves(running, wanted):
            return running
        if running is not None:
            self._process.spawn(_retire(running))
        await fetch(self._process.database, self._process.settings, wanted.files)
        engine = make_engine(wanted.engine, wanted.source, on_state=lambda state, _: self._heard(id, state))
        try:
            await engine.start()
        except BaseException:
            await engine.close()
            raise
        self._running[id] = Borrowed(wanted, engine)
        return self._running[id]

    def _heard(self, id: UUID, state: State) -> None:
        if state == "error" and id in self._running:
            self._running[id].broken = True


async def _serves(borrowed: Borrowed, wanted: Deployment) -> bool:
    """Whether what runs is what is wanted, if need be after it has taken other adapters."""
    if borrowed.deployment == wanted:
        return True
    if not borrowed.engine.adapters_at_run_time or not borrowed.deployment.is_but_for_adapters(wanted):
        return False
    await borrowed.engine.take_adapters(wanted.source.adapters)
    borrowed.deployment = wanted
    return True


async def _retire(borrowed: Borrowed) -> None:
    await borrowed.uses.drained(PATIENCE)
    await borrowed.engine.close()


def _adapter_files(session: Reading, id: UUID) -> Sequence[str]:
    """What has to be here of the adapter that this model is, if it is one."""
    row = session.row(select(model).where(model.c.id == id))
    return files_of(row) if row is not None and row.adapter_path is not None else ()


def _adapters(session: Reading, settings: Settings, id: UUID, base_id: UUID) -> tuple[Path | None, Adapters]:
    """The adapter that this model is, and all that its base is started with."""
    adapter = adapter_of(session.row(select(model).where(model.c.id == id)))
    place = None if adapter is None else local_path(settings, adapter)
    return place, deployed_adapters(session, settings).get(base_id, NONE)


def _deployed(session: Reading, id: UUID) -> Any:
    """The row of the model that runs for this one: its backbone, or itself."""
    row = session.row(select(model).where(model.c.id == id))
    if row is not None and row.backbone_id is not None:
        row = session.row(select(model).where(model.c.id == row.backbone_id))
    if row is None:
        raise EngineUnavailable("the model is not there any more")
    if not row.deployed:
        raise EngineUnavailable(f"model {row.key!r} is not deployed; start it with models.deploy({row.key!r})")
    return row
