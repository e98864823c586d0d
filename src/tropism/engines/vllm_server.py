"""One life of a vLLM server that we use: a process of ours, or one that is there already."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tropism.egress.policy import LAPTOP
from tropism.engines.openai import OpenAIEngine
from tropism.engines.protocol import EngineError, ModelSource, Prompt
from tropism.engines.vllm_adapters import VllmAdapters, name_of
from tropism.engines.vllm_command import SERVED_AS
from tropism.engines.vllm_http import Card, VllmHttp
from tropism.engines.vllm_limits import Limits
from tropism.engines.vllm_process import VllmProcess


class Wire(OpenAIEngine):
    """OpenAI's wire, where an adapter is a model of its own name."""

    def _model(self, prompt: Prompt) -> str | None:
        return super()._model(prompt) if prompt.adapter is None else name_of(prompt.adapter)


class VllmServer:
    """Made by `launch`; `wire` answers until it has ended."""

    def __init__(self, http: VllmHttp, wire: Wire, limits: Limits, process: VllmProcess | None) -> None:
        self.http, self.wire, self.process = http, wire, process
        self.adapters = VllmAdapters(http, limits)
        self.replaced = asyncio.Event()
        self._limits = limits
        self._doubt = asyncio.Event()

    @classmethod
    async def launch(cls, source: ModelSource, limits: Limits) -> VllmServer:
        """Start one, or find the one at the source's URL."""
        return await (_ours(source, limits) if source.endpoint is None else _theirs(source, limits))

    async def ended(self) -> str:
        """Wait until it is gone, or has forgotten what it was told, and say so."""
        return await (self.process.ended() if self.process else self._watched())

    def doubt(self) -> None:
        """Look at it now: it has refused what it should know."""
        self._doubt.set()

    async def close(self) -> None:
        """End a process of ours; a server elsewhere goes on, with its adapters, which others may use."""
        await self.wire.close()
        await (self.process.close() if self.process else self.http.close())

    async def _watched(self) -> str:
        silent, reason = 0, ""
        while silent < self._limits.silences:
            try:
                async with asyncio.timeout(self._limits.pulse):
                    await self._doubt.wait()
            except TimeoutError:
                pass
            self._doubt.clear()
            try:
                if await self.adapters.missing():
                    return "the vLLM server was started anew, without the adapters"
                silent = 0 if await self.http.is_healthy(self._limits.health) else silent + 1
                reason = "the vLLM server says that it is not healthy"
            except EngineError as error:
                silent, reason = silent + 1, str(error)
        return reason


async def _ours(source: ModelSource, limits: Limits) -> VllmServer:
    process = await VllmProcess.launch(source, limits)
    there = replace(
        source,
        endpoint="http://127.0.0.1/v1",  # which the socket stands in for
        socket=process.socket,
        external_model_id=SERVED_AS,
        api_key=process.key,
        egress=LAPTOP,
    )
    try:
        return await _started(VllmServer(process.http, Wire(there), limits, process))
    except BaseException:
        await process.close()
        raise


async def _theirs(source: ModelSource, limits: Limits) -> VllmServer:
    assert source.endpoint
    http = VllmHttp.at_url(source.endpoint, source.api_key or "", source.egress)
    try:
        base = _base(await http.models(limits.health), source)
        there = replace(source, endpoint=http.base_url, external_model_id=base.id)
        return await _started(VllmServer(http, Wire(there), limits, None))
    except BaseException:
        await http.close()
        raise


async def _started(server: VllmServer) -> VllmServer:
    await server.wire.start()
    return server


def _base(cards: Sequence[Card], source: ModelSource) -> Card:
    """Which of its models is ours: the one of our name, or the only one that is no adapter."""
    bases = [card for card in cards if card.parent is None]
    found = [card for card in bases if card.id == source.external_model_id] or bases
    if len(found) != 1:
        names = ", ".join(repr(card.id) for card in bases) or "nothing"
        raise EngineError(f"the vLLM server serves {names}; give compute_config the `served_name` of this model")
    base = found[0]
    if base.max_model_len is not None and base.max_model_len < source.context:
        raise EngineError(
            f"the vLLM server reads {base.max_model_len} tokens at most, and `max_seq_len` is {source.context}; "
            "lower it in the compute config, or start the server with a larger --max-model-len"
        )
    return base
