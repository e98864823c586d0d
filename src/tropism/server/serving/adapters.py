"""Adapters share the engine of their base: which ones it is started with, and how a request reaches one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select

from tropism.engines.protocol import Engine, EngineUnavailable, Piece, Prompt
from tropism.server.database.session import Reading
from tropism.server.files.model_files import files_of, lacking, local_path
from tropism.server.settings import Settings
from tropism.server.tables.models import model


@dataclass(frozen=True, slots=True)
class Adapters:
    """Those that should run on one base."""

    files: Sequence[Path]
    attempts: int
    """How often they were tried, in sum: where that goes up, one that was refused is to be tried again."""


NONE = Adapters((), 0)
_wanted = select(model).where(model.c.deployed, model.c.adapter_path.is_not(None)).order_by(model.c.id)


def deployed_adapters(session: Reading, settings: Settings) -> Mapping[UUID, Adapters]:
    """The adapters that should run and are here, by the id of their base, oldest first.

    One whose file is gone is left out: it must not take down the base and the other adapters.
    """
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in session.rows(_wanted):
        if _is_here(session, settings, row):
            found[row.backbone_id].append(row)
    return {
        id: Adapters([local_path(settings, row.adapter_path) for row in rows], sum(row.attempt for row in rows))
        for id, rows in found.items()
    }


def coming_adapters(session: Reading, settings: Settings) -> Mapping[UUID, list[str]]:
    """The adapters that should run and have to be fetched first, unless that has failed: the files of each."""
    rows = session.rows(_wanted.where(model.c.online != "ERROR"))
    return {row.id: files_of(row) for row in rows if lacking(session, settings, files_of(row))}


def lost_adapters(session: Reading, settings: Settings) -> Mapping[UUID, str]:
    """The adapters that should run and have no file any more, here or in the storage, unless that is known already."""
    rows = session.rows(_wanted.where(model.c.online != "ERROR"))
    return {
        row.id: f"its adapter's file {Path(row.adapter_path).name!r} is gone"
        for row in rows
        if not _is_here(session, settings, row) and not lacking(session, settings, files_of(row))
    }


def _is_here(session: Reading, settings: Settings, row: Any) -> bool:
    return local_path(settings, row.adapter_path).is_file() and not lacking(session, settings, files_of(row))


def adapter_of(row: Any) -> Path | None:
    """The path of the adapter's file, if this model is one."""
    return Path(row.adapter_path) if row.adapter_path else None


def answering(engine: Engine, adapters: Collection[Path], adapter: Path | None) -> Engine:
    """The engine as a model is asked: the base itself, or one of the adapters that it has.

    An adapter is named by its file; the engine that is asked knows it by that or not at all. A place in a list could be
    that of another adapter, whose answers would then pass for this one's.
    """
    if adapter is None:
        return engine
    if adapter not in adapters:
        raise EngineUnavailable("its engine runs without this adapter; models.deploy(...) loads it")
    return _WithAdapter(engine, adapter)


class _WithAdapter(Engine):
    """A base that answers with one adapter. Starting and closing are the business of whoever has the base."""

    def __init__(self, engine: Engine, adapter: Path) -> None:
        self._engine, self._adapter = engine, adapter

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None

    def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        return self._engine.generate(replace(prompt, adapter=self._adapter))
