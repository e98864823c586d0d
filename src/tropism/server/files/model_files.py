"""Where the files of models are on this machine, and how they come here.

The row of a model names its files by paths. An absolute one is a path of this machine, or of a directory that all
machines mount: where no storage is set, all are. A relative one is the same in each data directory, and in the storage:
a machine that needs it and does not have it fetches it (`fetch`). `local_path` is the one place that knows.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from tropism.engines import bundled
from tropism.engines.protocol import EngineUnavailable
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading
from tropism.server.errors import StorageFailed, TropismError
from tropism.server.files import stored_files
from tropism.server.files.carrying import AT_ONCE, Carried, Errand, Failed, Here, StoredFile
from tropism.server.files.storage import storage_of
from tropism.server.identity.principal import SYSTEM
from tropism.server.processes.hard_work import beside
from tropism.server.settings import Settings
from tropism.weights.selection import parts_of

Told = Callable[[int], Awaitable[None]]
"""Hears that so many bytes more are done."""
_read = msgspec.json.Decoder(Carried | Failed).decode


class FilesMissing(EngineUnavailable):
    """What a model needs cannot be had on this machine; the message says why."""


def are_stored(settings: Settings) -> bool:
    """Whether files of models are put into the storage, and fetched from there."""
    return settings.storage is not None


def local_path(settings: Settings, path: str | Path) -> Path:
    """Where a model's file or folder is on this machine, by the path in its row."""
    return settings.data.absolute() / path


def named(settings: Settings, place: Path) -> str:
    """The path that a row says, for a file or folder in the data directory."""
    return str(place.relative_to(settings.data.absolute()) if are_stored(settings) else place)


def files_of(row: Any) -> list[str]:
    """The files and folders that an engine reads of the model of this row, by their paths there."""
    if row.adapter_path is not None:
        folder = weights_of(row) if row.engine == "vllm" else None
        return [folder, row.adapter_path] if folder else [row.adapter_path]
    if row.engine == "vllm":
        folder = weights_of(row)
        return [] if folder is None or row.compute_config.get("url") else [folder]
    return parts_of(row.path) if row.path else []


def paths_of(row: Any) -> list[str]:
    """All files and folders that belong to the model of this row."""
    served = [row.adapter_path] if row.adapter_path else parts_of(row.path) if row.path else []
    return [*served, *(path for path in (row.weights_path, weights_of(row)) if path)]


def weights_of(row: Any) -> str | None:
    """The folder that a model's file was made from; a training leaves its own beside what it exports."""
    if row.weights_path is not None:
        return str(row.weights_path)
    path = row.adapter_path or row.path
    return str(Path(path).parent / "model") if path and row.training_job_id is not None else None


def lacking(session: Reading, settings: Settings, paths: Sequence[str]) -> list[StoredFile]:
    """What is in the storage under these paths, and not on this machine."""
    relative = [path for path in paths if not Path(path).is_absolute()]
    found = stored_files.under(session, relative) if relative else []
    data = settings.data.absolute()
    return [each for each in found if not each.is_in(data)]


async def fetch(database: Database[Any], settings: Settings, paths: Iterable[str], told: Told | None = None) -> None:
    """Have what these paths name on this machine; `FilesMissing` says why that cannot be."""
    paths = list(paths)
    missing = await database.read(SYSTEM, lacking, settings, paths)
    if missing and settings.storage is None:
        raise FilesMissing(f"{missing[0].name!r} is in the storage of the other engines: start this one with --storage")
    try:
        await _carried(settings, "fetch", told, files=missing)
    except TropismError as error:
        raise FilesMissing(f"its files cannot be fetched from the storage: {error}") from None
    for path in paths:
        await asyncio.to_thread(_prepare, settings, path)


async def measured(here: Here, told: Told) -> StoredFile:
    """Size and checksum of a file of this machine."""
    digest, size = hashlib.sha256(), 0
    with Path(here.path).open("rb") as file:
        while piece := await asyncio.to_thread(file.read, AT_ONCE):
            await asyncio.to_thread(digest.update, piece)
            size += len(piece)
            await told(len(piece))
    return StoredFile(name=here.name, size=size, sha256=digest.hexdigest())


async def put(settings: Settings, here: Sequence[Here], files: Sequence[StoredFile], told: Told | None = None) -> None:
    """Put files of this machine into the storage; `StorageFailed` says why that cannot be."""
    await _carried(settings, "put", told, here=here, files=files)


async def remove(database: Database[Any], settings: Settings, files: Sequence[StoredFile]) -> None:
    """Remove files from the storage. What cannot be removed now is tried again with whatever its job has left."""
    storage = storage_of(settings)
    for each in files:
        with suppress(Exception):  # of whatever kind the storage's package raises
            await asyncio.to_thread(storage.remove, each.place)
            await database.write(SYSTEM, stored_files.forget, [each])


def _prepare(settings: Settings, path: str) -> None:
    """A bundled model is in no storage: each machine makes its file."""
    place = local_path(settings, path)
    if not Path(path).is_absolute() and not place.exists():
        key = bundled.key_of(place)
        if key is None or bundled.prepare(key, place.parent) != place:
            raise FilesMissing(f"{path!r} is neither in this data directory nor in the storage")


async def _carried(
    settings: Settings, task: Any, told: Told | None, here: Sequence[Here] = (), files: Sequence[StoredFile] = ()
) -> None:
    if not files:
        return
    data = str(settings.data.absolute())
    errand = Errand(task=task, storage=settings.storage or data, data=data, here=here, files=files)
    async with beside("tropism.server.files.carrying", errand) as answers:
        while line := await answers.readline():
            match _read(line):
                case Failed(message=message):
                    raise StorageFailed(message)
                case Carried(size=size) if told is not None:
                    await told(size)
