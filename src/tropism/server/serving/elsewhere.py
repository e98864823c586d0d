"""Models that run in other pools: an engine asks a worker of the first pool that has the model, the least busy first.

What was certainly not begun is asked of the next one; so a worker that died costs the requests that it worked on, and
no more. How busy a worker is, each engine process knows by what it has asked of it itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

from tropism.engines.protocol import Embeddings, Engine, EngineError, EngineTimeout, EngineUnavailable, Piece, Prompt
from tropism.engines.remote import Connections, RemoteEngine, Target
from tropism.server.serving.doors import Doors
from tropism.server.serving.placement import DEFAULT_POOL, PoolWorker
from tropism.server.snapshot import ServedModel

if TYPE_CHECKING:
    from tropism.server.serving.fleet import Fleet

PATIENCE = 60.0
"""Seconds that a request waits for a model that is starting, here or at a worker."""
SHUNNED = 5.0
"""Seconds for which a worker that did not answer comes last."""
LOOKS = 2
"""So often a request for which no place is left looks whether the model was moved meanwhile."""


class Elsewhere:
    """The workers that this process asks."""

    def __init__(self, token: str, doors: Doors, now: Callable[[], float]) -> None:
        self._connections, self.doors, self._now = Connections(token), doors, now
        self._busy: Counter[str] = Counter()
        self._turns: dict[str, int] = {}
        self._count = count(1)
        self._shunned: dict[str, float] = {}

    async def close(self) -> None:
        await self._connections.close()

    def least_busy(self, workers: Sequence[PoolWorker]) -> PoolWorker:
        """Who is asked next; of those who are as busy as each other, who was asked longer ago."""

        def order(each: PoolWorker) -> tuple[bool, int, int]:
            return self._is_shunned(each), self._busy[each.name], self._turns.get(each.name, 0)

        return min(workers, key=order)

    @asynccontextmanager
    async def asking(self, worker: PoolWorker, served: ServedModel, seconds: float | None) -> AsyncIterator[Engine]:
        """The worker, as an engine that answers for the model."""
        target = Target(
            address=worker.address,
            pool=worker.pool,
            use_case=served.use_case_id,
            model=served.id,
            wait_seconds=seconds,
        )
        self._busy[worker.name] += 1
        self._turns[worker.name] = next(self._count)
        try:
            yield RemoteEngine(self._connections, target)
        except EngineError as error:
            if error.was_asked and error.status >= 500:
                self._shunned[worker.name] = self._now() + SHUNNED
            raise
        finally:
            self._busy[worker.name] -= 1

    def _is_shunned(self, worker: PoolWorker) -> bool:
        return self._shunned.get(worker.name, 0.0) > self._now()


class Placed(Engine):
    """A model wherever its use case has placed it, for one request."""

    def __init__(self, served: ServedModel, fleet: Fleet, elsewhere: Elsewhere) -> None:
        self._search = Search(served, fleet, elsewhere)

    async def start(self) -> None:
        """It runs elsewhere."""

    async def close(self) -> None:
        """It runs elsewhere."""

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        begun = False
        while True:
            try:
                async with self._search.next() as engine, aclosing(engine.generate(prompt)) as answer:
                    async for piece in answer:
                        begun = True
                        yield piece
                return
            except EngineError as error:
                if begun or not self._search.goes_on(error):
                    raise

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        while True:
            try:
                async with self._search.next() as engine:
                    return await engine.embed(texts)
            except EngineError as error:
                if not self._search.goes_on(error):
                    raise


class Search:
    """Of one request for a place that takes it."""

    def __init__(self, served: ServedModel, fleet: Fleet, elsewhere: Elsewhere) -> None:
        self._served, self._fleet, self._elsewhere = served, fleet, elsewhere
        self._tried: set[str] = set()
        self._last: EngineError | None = None
        self._is_over = False
        """There is no place to go on to."""
        self._was_late = self._is_patient = False
        """It waited too long in a line; now it waits in any, as nobody else takes it."""
        self._looks, self._version = LOOKS, 0

    def goes_on(self, error: EngineError) -> bool:
        """Whether another place may be asked after this."""
        self._last = error
        self._was_late |= isinstance(error, EngineTimeout) and not error.was_asked
        return (error.not_begun or type(error) is EngineUnavailable) and not self._is_over

    @asynccontextmanager
    async def next(self) -> AsyncIterator[Engine]:
        """The next place; the last error again, where none is left."""
        try:
            found, served, seconds = await self._choose()
        except EngineError as error:
            self._is_over = True
            if error is not self._last:  # no engine has said anything
                error.was_asked = False
            raise
        if isinstance(found, PoolWorker):
            self._tried.add(found.name)
            async with self._elsewhere.asking(found, served, seconds) as engine:
                yield engine
        else:
            self._tried.add(DEFAULT_POOL)
            async with self._fleet.here(served) as engine, self._elsewhere.doors.line(served, seconds):
                yield engine

    async def _choose(self) -> tuple[PoolWorker | None, ServedModel, float | None]:
        """A worker, or None for this process; and how long the request may wait in line there."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    served = self._fleet.current(self._served)
                    self._version = self._fleet.version
                    pools = served.pools or (DEFAULT_POOL,)
                    if places := [found for name in pools if (found := self._in(name, served))]:
                        return self._first(places, served)
                    await self._wait(served)
        except TimeoutError:
            raise EngineUnavailable("the workers of its pools are still starting it; try again in a moment") from None

    def _in(self, pool: str, served: ServedModel) -> list[PoolWorker | None]:
        """The places of one pool that could take the request."""
        if pool == DEFAULT_POOL:
            return [None] if DEFAULT_POOL not in self._tried and self._fleet.has(served) else []
        there = [each for each in self._fleet.workers if each.pool == pool and each.name not in self._tried]
        return [each for each in there if each.has(*served.asked_for)]

    def _first(
        self, places: Sequence[Sequence[PoolWorker | None]], served: ServedModel
    ) -> tuple[PoolWorker | None, ServedModel, float | None]:
        seconds = None
        if len(places) > 1 and served.max_ttft_ms is not None and not self._is_patient:
            seconds = served.max_ttft_ms / 1000
        workers = [each for each in places[0] if each is not None]
        return self._elsewhere.least_busy(workers) if workers else None, served, seconds

    async def _wait(self, served: ServedModel) -> None:
        """For news of the model; raise where there will be none."""
        self._fleet.refuse(served)
        if self._last is None:
            await self._fleet.news()
        elif self._was_late and not self._is_patient:
            self._is_patient = True
            self._begin_anew()
        elif self._looks and await self._fleet.is_newer(self._version):
            self._looks -= 1
            self._begin_anew()
        else:
            raise self._last

    def _begin_anew(self) -> None:
        self._tried.clear()
        self._last = None
