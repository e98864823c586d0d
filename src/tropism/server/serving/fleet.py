"""Keeps running engines in step with the models that should be online.

The database says which models are deployed, and in which pools; the fleet of an engine or of a worker starts what is
missing of its pool's, stops what is too much, and writes back how each one fares. It is told of every change, and looks
at the whole each time: after a crash it simply looks again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tropism.engines.in_flight import InFlight
from tropism.engines.protocol import Engine, EngineError, EngineUnavailable, State
from tropism.engines.registry import make_engine
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading
from tropism.server.files.model_files import FilesMissing, fetch, local_path
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.secrets import Secrets
from tropism.server.serving import placement
from tropism.server.serving.adapters import NONE, answering, coming_adapters, deployed_adapters, lost_adapters
from tropism.server.serving.deployment import Deployment, deployment_of, is_prepared
from tropism.server.serving.doors import Doors, not_asked
from tropism.server.serving.elsewhere import PATIENCE, Elsewhere, Placed
from tropism.server.serving.placement import Load, PoolWorker
from tropism.server.serving.reports import Reports
from tropism.server.settings import Settings
from tropism.server.snapshot import ServedModel, Snapshot
from tropism.server.tables.models import model
from tropism.wire.models import Online

log = logging.getLogger("tropism.fleet")
ONLINE: Mapping[State, Online] = {"online": "ONLINE", "restarting": "PENDING", "error": "ERROR"}
NOTHING: Mapping[Path, str] = MappingProxyType({})
FAREWELL = 60.0
"""Seconds that an engine which is stopped or replaced has for the requests that it took before."""


@dataclass(slots=True)
class Running:
    """An engine that was started, or is being started."""

    deployment: Deployment
    engine: Engine | None = None
    ready: bool = False
    adapters: Collection[Path] = ()
    """Those that it answers with by now."""
    requests: InFlight = field(default_factory=InFlight)
    start: asyncio.Task[None] | None = None
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the engine takes other adapters."""


class Fleet:
    """The engines of this process, by the id of their model. With `elsewhere`, it has those of other pools asked."""

    def __init__(
        self,
        secrets: Secrets,
        settings: Settings,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        reports: Reports,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._secrets, self._settings, self._spawn = secrets, settings, spawn
        self._reports, self._elsewhere = reports, elsewhere
        self._running: dict[UUID, Running] = {}
        self._failures: dict[UUID, str] = {}
        self._fetching: dict[UUID, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._news = asyncio.Event()

    async def start(self, database: Database[Snapshot]) -> None:
        """Take up what was deployed before, and follow every change from now on."""
        self._database = database
        await database.write(SYSTEM, self._reports.begin)
        database.on_change = self._look
        self._wake.set()
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop every engine."""
        ending = [self._task, *self._fetching.values()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await asyncio.gather(*(_close(running) for running in self._running.values()), return_exceptions=True)
        if self._elsewhere is not None:
            await self._elsewhere.close()

    @asynccontextmanager
    async def engine(self, served: ServedModel) -> AsyncIterator[Engine]:
        """The engine that answers for a model; while it starts, wait for it. Within the block it is not stopped."""
        served = self.current(served)
        _refuse_offline(served)
        if self._elsewhere is not None and not served.pools and self._ready(served) is None:
            served = await self._starting(served)
        if self._elsewhere is not None and served.pools:
            yield Placed(served, self, self._elsewhere)
            return
        async with self.here(served) as engine:
            yield engine

    @asynccontextmanager
    async def here(self, served: ServedModel) -> AsyncIterator[Engine]:
        """The engine of this process, if it is ready."""
        if (running := self._ready(served)) is None:
            raise not_asked(EngineUnavailable("it does not run here at the moment"))
        assert running.engine
        with running.requests:
            yield answering(running.engine, running.adapters, self._adapter(served))

    def has(self, served: ServedModel) -> bool:
        """Whether this process can answer for the model."""
        return self._ready(served) is not None

    def slots(self, served: ServedModel) -> int | None:
        """How many requests the model's engine here works on at once, where it says so."""
        running = self._running.get(served.engine_id)
        return running.deployment.source.slots if running and running.deployment.engine == "llama_cpp" else None

    @property
    def at_work(self) -> int:
        """How many requests the engines of this process have, those that wait in line for them among them."""
        return sum(running.requests.count for running in self._running.values())

    @property
    def workers(self) -> Sequence[PoolWorker]:
        """Those that answer for models in other pools."""
        return self._database.snapshot.workers

    @property
    def version(self) -> int:
        """Of what is known here."""
        return self._database.snapshot.version

    def current(self, served: ServedModel) -> ServedModel:
        """What is known of an attached model by now: since the request began, it may have been moved."""
        used = self._database.snapshot.use_cases.get(str(served.use_case_id))
        return used.models.get(str(served.id), served) if used else served

    def refuse(self, served: ServedModel) -> None:
        """Raise where nobody will answer for the model, however long one waits."""
        _refuse_offline(served)
        if served.online == "ERROR":
            raise EngineUnavailable(f"it does not run: {served.error}")

    async def news(self) -> None:
        """Wait until something is known that was not."""
        await self._news.wait()

    async def is_newer(self, version: int) -> bool:
        """Whether more is known now than that, if need be after a look."""
        return self.version != version or await self._database.catch_up()

    def _look(self, snapshot: Snapshot) -> None:
        """A model that is tried again has not failed yet; then see what else there is to do."""
        for used in snapshot.use_cases.values():
            for served in used.models.values():
                if served.online == "PENDING":
                    self._failures.pop(served.engine_id, None)
                    self._failures.pop(served.id, None)
        self._wake.set()
        self._tell()

    def _adapter(self, served: ServedModel) -> Path | None:
        return None if served.adapter is None else local_path(self._settings, served.adapter)

    def _ready(self, served: ServedModel) -> Running | None:
        running = self._running.get(served.engine_id)
        if running is None or not running.ready:
            return None
        return running if self._adapter(served) in (None, *running.adapters) else None

    async def _starting(self, served: ServedModel) -> ServedModel:
        """The model when its engine is ready, or when it is to run elsewhere."""
        self.refuse(served)
        if served.adapter is not None and served.adapter.is_absolute() and not served.adapter.is_file():
            raise EngineUnavailable(f"its adapter's file {served.adapter.name!r} is gone")
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._up(served)
        except TimeoutError:
            raise EngineUnavailable("its engine is still starting; try again in a moment") from None

    async def _up(self, served: ServedModel) -> ServedModel:
        while True:
            served = self.current(served)
            if served.pools or self._ready(served):
                return served
            _refuse_offline(served)
            if reason := self._failures.get(served.engine_id) or self._failures.get(served.id):
                raise EngineUnavailable(f"it does not run: {reason}")
            await self._news.wait()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._reconcile()
            except Exception:
                log.exception("the engines could not be brought in step")

    async def _reconcile(self) -> None:
        version = self.version
        wanted, broken = await self._database.read(SYSTEM, self._wanted)
        for id, reason in (await self._database.read(SYSTEM, lost_adapters, self._settings)).items():
            await self.report(id, "error", reason)
        for id, files in (await self._database.read(SYSTEM, self._coming)).items():
            if id not in self._fetching:
                self._fetching[id] = asyncio.create_task(self._fetch_adapter(id, files))
        for id, running in list(self._running.items()):
            if id not in wanted and self.version == version:  # else it may be wanted again, which the next turn sees
                self._failures[id] = "it was stopped"
                self._tell()
            if id in wanted and _can_follow(running, wanted[id]):
                running.deployment = wanted[id]
                self._spawn(self._follow_adapters(id, running))
            elif wanted.get(id) != running.deployment:
                self._spawn(_retire(self._running.pop(id)))
                await self._database.write(SYSTEM, self._reports.drop, id)
        for id, deployment in wanted.items():
            if id not in self._running:
                running = self._running[id] = Running(deployment)
                self._failures.pop(id, None)
                running.start = asyncio.create_task(self._bring_up(id, running))
        for id, reason in broken.items():
            if self._failures.get(id) != reason:
                await self.report(id, "error", reason)

    def _coming(self, session: Reading) -> Mapping[UUID, Sequence[str]]:
        """The adapters that have to be fetched before they can run here, with their files."""
        coming, where = coming_adapters(session, self._settings), placement.pools(session)
        bases = session.rows(select(model.c.id, model.c.backbone_id).where(model.c.id.in_(coming)))
        here = [row.id for row in bases if self._reports.pool in where.get(row.backbone_id, placement.ENGINES)]
        return {id: coming[id] for id in here}

    def _wanted(self, session: Reading) -> tuple[dict[UUID, Deployment], dict[UUID, str]]:
        """What should run, and what cannot and why: a model with a lost secret keeps no other from running."""
        rows = session.rows(select(model).where(model.c.deployed, model.c.backbone_id.is_(None)))
        where = placement.pools(session)
        rows = [row for row in rows if self._reports.pool in where.get(row.id, placement.ENGINES)]
        adapters = deployed_adapters(session, self._settings)
        wanted: dict[UUID, Deployment] = {}
        broken: dict[UUID, str] = {}
        for row in filter(is_prepared, rows):
            try:
                wanted[row.id] = deployment_of(row, self._secrets, self._settings, adapters.get(row.id, NONE))
            except ValueError as error:
                broken[row.id] = str(error)
        return wanted, broken

    async def _fetch_adapter(self, id: UUID, files: Sequence[str]) -> None:
        """Have it here; until then its base runs without it."""
        try:
            await fetch(self._database, self._settings, files)
        except FilesMissing as error:
            await self.report(id, "error", str(error))
        finally:
            del self._fetching[id]
        self._wake.set()

    async def _bring_up(self, id: UUID, running: Running) -> None:
        def on_state(state: State, reason: str | None) -> None:
            self._spawn(self._report(id, running, state, reason))

        try:
            await fetch(self._database, self._settings, running.deployment.files)
            running.engine = make_engine(running.deployment.engine, running.deployment.source, on_state=on_state)
            await running.engine.start()
        except EngineError as error:
            await self._report(id, running, "error", str(error))
        except Exception as error:
            log.exception("model %s could not be started", running.deployment.source.key)
            await self._report(id, running, "error", f"{type(error).__name__}: {error}")
        else:
            await self._report(id, running, "online", None)

    async def _follow_adapters(self, id: UUID, running: Running) -> None:
        """Bring adapters in step while the engine answers."""
        if running.start is not None:
            await asyncio.wait([running.start])
        if running.ready:
            await self._take_adapters(id, running)

    async def _take_adapters(self, id: UUID, running: Running) -> None:
        """Have the engine answer with the adapters that are wanted by now, and write down which it refuses."""
        assert running.engine
        async with running.changing:
            wanted, refused = running.deployment.source.adapters, NOTHING
            if running.engine.adapters_at_run_time:
                refused = await running.engine.take_adapters(wanted)
            running.adapters = [each for each in wanted if each not in refused]
            await self._database.write(SYSTEM, self._reports.set_adapters, id, running.adapters, refused)
        self._tell()

    async def _report(self, id: UUID, running: Running, state: State, reason: str | None) -> None:
        if state == "online" and self._running.get(id) is running:
            await self._take_adapters(id, running)  # a server that was started anew has those that were wanted before
        if self._running.get(id) is running:  # or it was stopped meanwhile
            running.ready = state == "online"
            await self.report(id, state, reason)

    async def report(self, id: UUID, state: State, reason: str | None) -> None:
        """Write down how a model fares, and tell the requests that wait for it."""
        await self._database.write(SYSTEM, self._reports.set_state, id, ONLINE[state], reason)
        self._failures.pop(id, None)
        if state == "error":
            self._failures[id] = reason or "unknown"
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def load(fleet: Fleet, doors: Doors) -> Load:
    """How busy this process is with models that it runs itself."""
    waiting = doors.waiting
    return Load(running=max(0, fleet.at_work - waiting), waiting=waiting)


def _refuse_offline(served: ServedModel) -> None:
    if not served.desired_online:
        raise EngineUnavailable("it is taken offline for this use case; models.update(desired_online=True)")
    if served.online == "OFFLINE":
        raise EngineUnavailable(f"it is not deployed; start it with models.deploy({served.key!r})")


def _can_follow(running: Running, wanted: Deployment) -> bool:
    """Whether the engine needs no more than other adapters, and can take them as it runs."""
    before, engine = running.deployment, running.engine
    if before == wanted or engine is None or not engine.adapters_at_run_time:
        return False
    return before.is_but_for_adapters(wanted)


async def _retire(running: Running) -> None:
    """Stop an engine that no new request gets; those that it has may end first."""
    await running.requests.drained(FAREWELL)
    await _close(running)


async def _close(running: Running) -> None:
    if running.start is not None:  # an engine that is closed while it starts would run on unseen
        running.start.cancel()
        await asyncio.wait([running.start])
    if running.engine is not None:
        await running.engine.close()
