"""Keeps a server of models running: starts it again when it ends, and gives up when it keeps ending."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from tropism.engines.protocol import EngineError, EngineUnavailable, OnState, State

_log = logging.getLogger(__name__)

_SECONDS_TO_WAIT_FOR_A_RESTART = 10.0
_SECONDS_TO_NOTICE = 2.0
_LONGEST_PAUSE = 30.0


class Kept(Protocol):
    """One life of what is kept: a process of ours, or a server elsewhere that we use."""

    replaced: asyncio.Event
    """It is known to be dead, and new requests go elsewhere."""

    async def ended(self) -> str:
        """Wait until it has ended, and say why."""

    async def close(self) -> None:
        """End it, and free everything."""


_K = TypeVar("_K", bound=Kept)


class Keeper(Generic[_K]):
    """Holds the one life that there is at a time."""

    def __init__(
        self,
        launch: Callable[[], Awaitable[_K]],
        on_state: OnState,
        *,
        restarts: int,
        first_pause: float,
    ) -> None:
        self._launch = launch
        self._on_state = on_state
        self._restarts = restarts
        self._first_pause = first_pause
        self._failures = 0
        self._process: _K | None = None
        self._down: str | None = "it is not running"
        self._settled = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    @property
    def process(self) -> _K | None:
        """The present life, while there is one."""
        return self._process

    async def start(self) -> None:
        """Start the process; a failure at the first start is the caller's to handle."""
        self._take(await self._launch())
        self._watch = asyncio.create_task(self._keep())

    async def running(self) -> _K:
        """Return the process; wait for a restart, but not long."""
        try:
            async with asyncio.timeout(_SECONDS_TO_WAIT_FOR_A_RESTART):
                while self._process is None and self._down is None:
                    await self._settled.wait()
        except TimeoutError:
            raise EngineUnavailable("the model is being restarted; try again") from None
        self.refuse_if_down()
        assert self._process
        return self._process

    def refuse_if_down(self) -> None:
        """Raise `EngineUnavailable` if no process is running nor will be."""
        if self._process is None and self._down is not None:
            raise EngineUnavailable(f"the model is down: {self._down}")

    async def lost(self, process: _K) -> None:
        """Let the death of this process be noticed, so that the next request does not run into it as well."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS_TO_NOTICE):
                await process.replaced.wait()

    def praise(self) -> None:
        """Count no failure from before: it has answered a request. Those that die on every request are given up."""
        self._failures = 0

    async def close(self) -> None:
        """Stop watching, and end the process."""
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        process, self._process = self._process, None
        self._down = "it was closed"
        self._settled.set()
        if process:
            await process.close()

    async def _keep(self) -> None:
        try:
            while self._process:
                reason = await self._process.ended()
                await self._restart(reason)
        except Exception:
            # The edge of a task: without this the engine would stay silent and half dead.
            _log.exception("the watch over a model process failed")
            self._give_up("an internal error, see the server's log")

    async def _restart(self, reason: str) -> None:
        dead, self._process, self._down = self._process, None, None
        self._settled.clear()
        if dead:
            dead.replaced.set()
            await dead.close()
        while self._process is None:
            self._failures += 1
            if self._failures > self._restarts:
                self._give_up(reason)
                return
            self._tell("restarting", reason)
            await asyncio.sleep(min(_LONGEST_PAUSE, self._first_pause * 2 ** (self._failures - 1)))
            try:
                self._take(await self._launch())
            except EngineError as error:
                reason = str(error)
        self._tell("online", None)

    def _take(self, process: _K) -> None:
        self._process, self._down = process, None
        self._settled.set()

    def _give_up(self, reason: str) -> None:
        self._down = reason
        self._settled.set()
        self._tell("error", reason)

    def _tell(self, state: State, reason: str | None) -> None:
        _log.log(logging.INFO if state == "online" else logging.WARNING, "a model is %s: %s", state, reason or "ready")
        try:
            self._on_state(state, reason)
        except Exception:
            # A listener's failure is no reason to leave a model dead.
            _log.exception("the listener to a model's state failed")
