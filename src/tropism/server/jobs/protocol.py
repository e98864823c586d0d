"""How a domain says what its jobs do: a function per kind, given a `Run` to work with.

A job may be begun more than once: its worker can die between any two lines. What it stores through `Run.write` is
stored once, together with the progress that it means; a function that is begun again looks up what is there already.
When the job was canceled, or another worker has taken it over, `Run.write` raises `Stopped` and stores nothing, and
the function is cancelled within a second in any case.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar
from uuid import UUID

import msgspec

from tropism.engines.protocol import Engine
from tropism.server.context import Process
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.jobs import states
from tropism.server.domains.jobs.service import secret_place
from tropism.server.domains.jobs.states import Level, Stopped
from tropism.server.identity.principal import SYSTEM, Principal
from tropism.wire.jobs import JobKind

__all__ = ["FUNCTIONS", "JobFailed", "Run", "Stopped", "runs"]

P = ParamSpec("P")
R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")
Borrow = Callable[[UUID], AbstractAsyncContextManager[Engine]]


class JobFailed(Exception):
    """The job cannot be done; the message is shown as its error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Generic[R]):
    """One attempt at a job, in the hands of the function that does it."""

    id: UUID
    attempt: int
    request: R
    principal: Principal
    """On whose behalf it works."""
    services: Process
    engine: Borrow
    """`async with run.engine(model_id)`: an engine in this process, ready; `EngineError` says why it cannot be."""

    async def begin(self, stage: str, total: int | None = None) -> None:
        """A stage starts, or goes on; `total` is how many samples it has, if that is known."""
        await self._write(states.begin_stage, self.id, self.attempt, stage, total)

    async def processed(self, stage: str) -> int:
        """How many samples of a stage are done, those of earlier attempts included."""
        return await self.services.database.read(SYSTEM, states.processed, self.id, stage)

    async def end(self, stage: str) -> None:
        """A stage is complete."""
        await self._write(states.end_stage, self.id, self.attempt, stage)

    async def secret(self) -> str | None:
        """What the job was given in confidence, in clear; keep it out of whatever is stored or logged."""
        sealed = await self.services.database.read(SYSTEM, states.secret, self.id)
        return self.services.secrets.decrypt(sealed, secret_place(self.id)) if sealed else None

    async def log(self, message: str, level: Level = "info") -> None:
        """Add a line to the job's log."""
        await self._write(states.note, self.id, self.attempt, level, message)

    async def read(self, work: Callable[Concatenate[Reading, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on a read-only transaction."""
        return await self.services.database.read(self.principal, work, *args, **kwargs)

    async def write(
        self, work: Callable[..., T], *args: Any, stage: str | None = None, advance: int = 0, **kwargs: Any
    ) -> T:
        """Run `work(transaction, *args)` and count `advance` samples of `stage` as done: both, or neither."""

        def fenced(transaction: Writing) -> T:
            if not states.is_ours(transaction, self.id, self.attempt):
                raise Stopped
            done = work(transaction, *args, **kwargs)
            if stage is not None:
                states.advance(transaction, self.id, self.attempt, stage, advance)
            return done

        return await self._write(fenced)

    async def _write(self, work: Callable[Concatenate[Writing, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.services.database.write(self.principal, work, *args, **kwargs)


Function = Callable[[Run[R]], Awaitable[dict[str, Any] | None]]

FUNCTIONS: dict[JobKind, tuple[type[msgspec.Struct], Function[Any]]] = {}
"""What does the jobs of each kind, and what it is given. The domains' `jobs.py` files fill it."""


def runs(kind: JobKind, request: type[R]) -> Callable[[Function[R]], Function[R]]:
    """Bind the function that does the jobs of a kind. What it returns is shown as the job's result."""

    def bind(function: Function[R]) -> Function[R]:
        FUNCTIONS[kind] = (request, function)
        return function

    return bind
