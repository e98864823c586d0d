"""Adapters share the engine of their base: which ones it is started with, and how a request reaches one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tropism.engines.protocol import Engine, EngineUnavailable, ModelSource, Piece, Prompt
from tropism.server.database.session import Reading
from tropism.server.tables.models import model


def deployed_adapters(session: Reading) -> Mapping[UUID, Sequence[Path]]:
    """The adapters that should run, by the id of their base, oldest first.

    One whose file is gone is left out: it must not take down the base and the other adapters.
    """
    found: dict[UUID, list[Path]] = defaultdict(list)
    wanted = select(model).where(model.c.deployed, model.c.adapter_path.is_not(None)).order_by(model.c.id)
    for row in session.rows(wanted):
        if (path := Path(row.adapter_path)).is_file():
            found[row.backbone_id].append(path)
    return found


def adapter_of(row: Any) -> Path | None:
    """The adapter's file, if this model is one."""
    return Path(row.adapter_path) if row.adapter_path else None


def answering(engine: Engine, source: ModelSource, adapter: Path | None) -> Engine:
    """The engine as a model is asked: the base itself, or one of the adapters that it was started with.

    An adapter's place in the list is looked up in the very engine that is asked. Taken from anywhere else it could be
    that of another adapter, whose answers would then pass for this one's.
    """
    if adapter is None:
        return engine
    if adapter not in source.adapters:
        raise EngineUnavailable("its engine runs without this adapter; models.deploy(...) loads it")
    return _WithAdapter(engine, list(source.adapters).index(adapter))


class _WithAdapter(Engine):
    """A base that answers with one adapter. Starting and closing are the business of whoever has the base."""

    def __init__(self, engine: Engine, place: int) -> None:
        self._engine, self._place = engine, place

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None

    def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        return self._engine.generate(replace(prompt, adapter=self._place))
