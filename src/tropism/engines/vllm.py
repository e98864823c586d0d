"""The vLLM engine: a model on GPUs, in a `vllm serve` that we start and watch, or in one that is there already.

Answers come over OpenAI's wire. Adapters are loaded and unloaded while it answers.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import ClassVar

from tropism.engines.in_flight import InFlight
from tropism.engines.keeper import Keeper
from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineBrokeOff,
    EngineError,
    EngineRejected,
    EngineUnavailable,
    ModelSource,
    OnState,
    Piece,
    Prompt,
    ignore_state,
)
from tropism.engines.vllm_limits import PATIENT, Limits
from tropism.engines.vllm_server import VllmServer

_SECONDS_TO_DRAIN = 3.0


class VllmEngine(Engine):
    """One base model and its adapters on one server."""

    adapters_at_run_time: ClassVar[bool] = True

    def __init__(self, source: ModelSource, *, on_state: OnState = ignore_state, limits: Limits = PATIENT) -> None:
        self._source, self._limits = source, limits
        self._adapters: Sequence[Path] = source.adapters
        self._refused: Mapping[Path, str] = {}
        self._in_flight = InFlight()
        restarts = limits.restarts if source.endpoint is None else sys.maxsize
        self._keeper = Keeper(self._launch, on_state, restarts=restarts, first_pause=limits.first_pause)

    @property
    def pid(self) -> int | None:
        """The id of vLLM's process, while there is one of ours."""
        server = self._keeper.process
        return server.process.pid if server and server.process else None

    async def start(self) -> None:
        await self._keeper.start()

    async def close(self) -> None:
        await self._in_flight.drained(_SECONDS_TO_DRAIN)
        await self._keeper.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        self._refuse_missing(prompt.adapter)
        async with self._asked(prompt.adapter) as server, aclosing(server.wire.generate(prompt)) as pieces:
            async for piece in pieces:
                yield piece

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        async with self._asked(None) as server:
            return await server.wire.embed(texts)

    async def take_adapters(self, adapters: Sequence[Path]) -> Mapping[Path, str]:
        self._adapters = tuple(adapters)
        if server := self._keeper.process:
            try:
                self._refused = await server.adapters.take(self._adapters)
            except EngineError:
                server.doubt()  # the next life of it is started with what is wanted now
        return self._refused

    async def _launch(self) -> VllmServer:
        server = await VllmServer.launch(self._source, self._limits)
        try:
            self._refused = await server.adapters.take(self._adapters)
        except BaseException:
            await server.close()
            raise
        return server

    def _refuse_missing(self, adapter: Path | None) -> None:
        if adapter is not None and adapter not in self._adapters:
            raise EngineRejected(f"the model runs without the adapter {adapter.name!r}")
        if adapter is not None and adapter in self._refused:
            raise EngineUnavailable(self._refused[adapter])

    @asynccontextmanager
    async def _asked(self, adapter: Path | None) -> AsyncGenerator[VllmServer, None]:
        """The server; it is looked at where it did not answer, or did not know an adapter that it has been given."""
        with self._in_flight:
            server = await self._keeper.running()
            try:
                yield server
            except EngineUnavailable as error:
                if await server.http.is_healthy(self._limits.health):
                    raise
                server.doubt()
                await self._keeper.lost(server)
                raise EngineBrokeOff("vLLM ended before its answer; try again") from error
            except EngineRejected:
                if adapter is None or not await server.adapters.missing():
                    raise
                server.doubt()
                await self._keeper.lost(server)
                raise EngineUnavailable("the vLLM server was started anew; try again") from None
            self._keeper.praise()
