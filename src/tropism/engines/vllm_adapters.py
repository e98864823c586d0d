"""The adapters of one vLLM server: what it is told to load and to forget, and by which names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from tropism.engines.protocol import EngineError
from tropism.engines.vllm_http import VllmHttp
from tropism.engines.vllm_limits import Limits


def name_of(adapter: Path) -> str:
    """What the server calls it. A name is never used for another adapter: cached prompts would be taken for its own.

    A training writes its adapter once, into a folder that no other one gets.
    """
    return f"tropism-{sha256(str(adapter).encode()).hexdigest()[:24]}"


def folder_of(adapter: Path) -> Path:
    """The adapter in PEFT's format, which vLLM reads."""
    return adapter.parent / "model"


class VllmAdapters:
    """Brings the server in step with what is wanted."""

    def __init__(self, http: VllmHttp, limits: Limits) -> None:
        self._http, self._limits = http, limits
        self._ours: set[str] = set()
        self._changing = asyncio.Lock()

    async def take(self, wanted: Sequence[Path]) -> Mapping[Path, str]:
        """Load what is missing, and unload what we had loaded and is not wanted; return what was refused, and why.

        What others have loaded stays.
        """
        async with self._changing:
            there = {card.id for card in await self._http.models(self._limits.health)}
            names = {name_of(adapter) for adapter in wanted}
            for name in self._ours - names:
                await self._http.unload(name, self._limits.adapter)
            self._ours = names
            return {each: why for each in wanted if name_of(each) not in there and (why := await self._load(each))}

    async def missing(self) -> bool:
        """Whether the server has lost one that it had, as it does when it is started anew."""
        there = {card.id for card in await self._http.models(self._limits.health)}
        return not self._ours <= there

    async def _load(self, adapter: Path) -> str | None:
        folder, name = folder_of(adapter), name_of(adapter)
        try:
            why = await self._http.load(name, str(folder), self._limits.adapter)
        except EngineError as error:
            why = str(error)
        if why is not None:
            self._ours.discard(name)
            return f"vLLM did not take the adapter: {why}"
        return None
