"""Uploads to engines with data directories of their own: each part is in the storage, whoever has received it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from tropism.server.context import Process
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.datasets.files import BUFFER, working_folder
from tropism.server.errors import Conflict, StorageFailed
from tropism.server.files import model_files, stored_files
from tropism.server.files.carrying import StoredFile
from tropism.server.files.storage import storage_of
from tropism.server.identity.principal import SYSTEM
from tropism.server.settings import Settings

DIGITS = 15
"""Of the offset in the name of a part, so that names sort as the parts follow each other."""


def arrived(session: Reading, id: UUID) -> int:
    """How many bytes of an upload have arrived, whoever took them."""
    return sum(each.size for each in of(session, id))


def of(session: Reading, id: UUID) -> list[StoredFile]:
    """The parts of an upload, in their order."""
    return stored_files.under(session, [f"uploads/{id}"])


async def keep(process: Process, id: UUID, offset: int, here: Path) -> None:
    """Add what a file of this machine holds to an upload; `Conflict` if somebody else was first."""
    file = StoredFile(
        name=f"uploads/{id}/{offset:0{DIGITS}}", size=here.stat().st_size, sha256=await asyncio.to_thread(_sha256, here)
    )
    await process.database.write(SYSTEM, stored_files.expect, [file])
    try:
        await asyncio.to_thread(storage_of(process.settings).put, here, file.place, _say_nothing)
    except Exception as error:  # of whatever kind the storage's package raises
        raise StorageFailed(f"this part could not be stored: {error}") from error
    await process.database.write(SYSTEM, _confirm, id, offset, file)


def _confirm(transaction: Writing, id: UUID, offset: int, file: StoredFile) -> None:
    refuse_other_offset(arrived(transaction, id), offset)
    stored_files.confirm(transaction, [file])


def refuse_other_offset(end: int, offset: int) -> None:
    """Parts are taken one after the other."""
    if offset != end:
        raise Conflict(f"the next part begins at {end}, not at {offset}", param="offset")


async def gathered(process: Process, row: Row[Any]) -> Path:
    """All parts as one file of this machine."""
    parts = await process.database.read(SYSTEM, of, row.id)
    file = working_folder(process.settings) / f"{process.clock.new_id()}.whole"
    try:
        await asyncio.to_thread(_gather, process.settings, parts, file)
    except Exception as error:
        file.unlink(missing_ok=True)
        raise StorageFailed(f"the upload cannot be read: {error}") from error
    return file


def _gather(settings: Settings, parts: Sequence[StoredFile], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        for part in parts:
            with storage_of(settings).open(part.place) as source:
                while piece := source.read(BUFFER):
                    target.write(piece)


async def discard(process: Process, id: UUID) -> None:
    """Remove the parts of an upload."""
    await model_files.remove(process.database, process.settings, await process.database.read(SYSTEM, _all, id))


def _all(session: Reading, id: UUID) -> list[StoredFile]:
    return stored_files.of_owner(session, id)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _say_nothing(done: int) -> None:
    """A part is small."""
