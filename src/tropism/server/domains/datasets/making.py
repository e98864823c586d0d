"""How a dataset comes to be: a process beside the server writes its file, the file takes its place, then the row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from tropism.server.context import Process
from tropism.server.database.session import Writing
from tropism.server.domains.datasets import service, stored_parts, uploads
from tropism.server.domains.datasets.check import CheckNews, CheckRequest
from tropism.server.domains.datasets.files import file_name, working_folder
from tropism.server.domains.datasets.gather import GatherRequest
from tropism.server.domains.datasets.service import NewDataset
from tropism.server.domains.datasets.tally import Counts
from tropism.server.errors import InvalidRequest, StorageFailed, TropismError
from tropism.server.files.model_files import are_stored
from tropism.server.files.storage import storage_of
from tropism.server.identity.principal import SYSTEM
from tropism.server.makings import Progress
from tropism.server.processes.hard_work import beside

_news = msgspec.json.Decoder(CheckNews).decode
Also = Callable[[Writing, UUID], None]
"""What else belongs into the transaction that makes the dataset."""


async def from_upload(services: Process, row: Row[Any], progress: Progress, also: Also) -> UUID:
    """Check what arrived and keep it; `InvalidRequest` names the bad lines."""
    progress.total = row.size
    if are_stored(services.settings):
        source = await stored_parts.gathered(services, row)
    else:
        source = uploads.path(services.settings, row.id)
        await asyncio.to_thread(_touch, source)  # an empty file came in no part
    target = working_folder(services.settings) / f"{row.id}.part"
    request = CheckRequest(source=str(source), target=str(target), sha256=row.sha256)
    counts, refusal = await _written("check", request, progress)
    if counts is None:
        await services.database.write(SYSTEM, uploads.refuse, row.id, refusal)
        await _remove(services, row.id, source)
        raise InvalidRequest(refusal, param="file")
    new = NewDataset(use_case_id=row.use_case_id, key=row.key, name=row.name, source="upload")

    def become(transaction: Writing, id: UUID) -> None:
        uploads.become(transaction, row.id, id)
        also(transaction, id)

    id = await keep(services, new, counts, target, become)
    await _remove(services, row.id, source)
    return id


async def _remove(services: Process, id: UUID, source: Path) -> None:
    source.unlink(missing_ok=True)
    if are_stored(services.settings):
        await stored_parts.discard(services, id)


async def from_interactions(
    services: Process, new: NewDataset, request: GatherRequest, progress: Progress, also: Also
) -> UUID:
    """Keep what the log holds at this moment."""
    counts, refusal = await _written("gather", request, progress)
    if counts is None:
        raise InvalidRequest(refusal, param="filters")
    return await keep(services, new, counts, Path(request.target), also)


async def keep(services: Process, new: NewDataset, counts: Counts, finished: Path, also: Also | None = None) -> UUID:
    """Make a dataset of a finished file. Whatever fails, neither row nor file is left."""
    try:
        id = await services.database.write(SYSTEM, service.begin_file, new)
        try:
            await asyncio.to_thread(_publish, services, finished, id)
            await services.database.write(SYSTEM, _create, id, new, counts, also)
        except Exception:
            await discard(services, id)
            raise
    finally:
        finished.unlink(missing_ok=True)
    return id


async def discard(services: Process, id: UUID) -> None:
    """Remove a file that belongs to no dataset. Should that fail, it is tried again a day later."""
    with suppress(Exception):
        await asyncio.to_thread(storage_of(services.settings).remove, file_name(id))
        await services.database.write(SYSTEM, service.forget_file, id)


def _touch(file: Path) -> None:
    try:
        file.touch()
    except OSError as error:
        raise StorageFailed(f"the upload cannot be read: {error.strerror}") from error


def _publish(services: Process, finished: Path, id: UUID) -> None:
    try:
        storage_of(services.settings).publish(finished, file_name(id))
    except Exception as error:  # of whatever kind the storage's package raises
        raise StorageFailed(f"the dataset could not be stored: {error}") from error


def _create(transaction: Writing, id: UUID, new: NewDataset, counts: Counts, also: Also | None) -> None:
    service.create_from(transaction, id, new, counts)
    if also is not None:
        also(transaction, id)


async def _written(module: str, request: msgspec.Struct, progress: Progress) -> tuple[Counts | None, str]:
    """What a process of ours wrote, or why it wrote nothing."""
    news = CheckNews(processed=0)
    async with beside(f"tropism.server.domains.datasets.{module}", request) as said:
        async for line in said:
            news = _news(line)
            progress.processed = news.processed
    if news.failure is not None:
        raise StorageFailed(f"the dataset could not be written: {news.failure}")
    if news.counts is None and news.refusal is None:
        raise TropismError("a process of ours ended without a word")
    return news.counts, news.refusal or ""
