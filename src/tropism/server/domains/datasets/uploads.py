"""Uploads: begun, grown part by part, and forgotten after a day. What has arrived is what their file holds."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from tropism.server.context import Process
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.datasets import service, stored_parts
from tropism.server.domains.datasets.files import working_folder
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest, NotFound, StorageFailed, TooLarge
from tropism.server.files.model_files import are_stored
from tropism.server.identity.principal import SYSTEM
from tropism.server.settings import Settings
from tropism.server.tables.datasets import dataset_upload
from tropism.server.tables.use_cases import use_case
from tropism.weights.size import size_so_far
from tropism.wire import datasets as wire

WRITTEN_AT_ONCE = 1024 * 1024
upload = dataset_upload.c


def begin(transaction: Writing, request: wire.UploadCreate) -> Row[Any]:
    """The upload of this file under this key: the one that was begun before, or a new one."""
    used = use_cases.find(transaction, request.use_case)
    service.check_new(transaction, used.id, request.key)
    same = (upload.use_case_id == used.id, upload.key == request.key, upload.sha256 == request.sha256)
    undecided = (upload.size == request.size, upload.dataset_id.is_(None), upload.refusal.is_(None))
    known = transaction.row(select(dataset_upload).where(*same, *undecided).order_by(upload.id.desc()))
    if known is not None:
        return known
    id = transaction.new_id()
    values = {"id": id, "use_case_id": used.id, "key": request.key, "name": request.name or request.key}
    transaction.run(insert(dataset_upload).values(**values, size=request.size, sha256=request.sha256))
    return find(transaction, id)


def find(session: Reading, id: UUID) -> Row[Any]:
    """The row of an upload that the caller may see."""
    with_team = select(dataset_upload, use_case.c.team_id).join(use_case, use_case.c.id == upload.use_case_id)
    row = session.row(with_team.where(upload.id == id))
    if row is None or not session.sees(row.team_id, row.use_case_id):
        raise NotFound(f"no upload {id}; datasets.upload(...) begins one, and it is kept for a day", param="upload")
    return row


def refuse(transaction: Writing, id: UUID, reason: str) -> None:
    """The upload became nothing; who asks again hears why. One that became something elsewhere stays that."""
    transaction.run(update(dataset_upload).where(upload.id == id, upload.dataset_id.is_(None)).values(refusal=reason))


def become(transaction: Writing, id: UUID, dataset_id: UUID) -> None:
    """The upload became a dataset; who asks again hears which."""
    transaction.run(update(dataset_upload).where(upload.id == id).values(dataset_id=dataset_id))


def old(session: Reading) -> list[UUID]:
    """Uploads that were begun more than a day ago."""
    return [row.id for row in session.rows(select(upload.id).where(upload.id < service.oldest_kept(session)))]


def forget(transaction: Writing, id: UUID) -> None:
    transaction.run(delete(dataset_upload).where(upload.id == id))


def described(row: Row[Any], offset: int) -> wire.Upload:
    return wire.Upload(id=row.id, key=row.key, size=row.size, offset=offset, part_bytes=wire.PART_BYTES)


def path(settings: Settings, id: UUID) -> Path:
    """Where the bytes of an upload are, if this machine has them."""
    return working_folder(settings) / str(id)


async def arrived(process: Process, id: UUID) -> int:
    """How many bytes of an upload are here."""
    if are_stored(process.settings):
        return await process.database.read(SYSTEM, stored_parts.arrived, id)
    return size_so_far(path(process.settings, id))


async def append(process: Process, row: Row[Any], offset: int, body: AsyncIterator[bytes]) -> None:
    """Add a part to an upload; what came before a connection broke stays."""
    if row.refusal is not None or row.dataset_id is not None:
        raise Conflict("this upload is complete; datasets.upload(...) begins another one", param="upload")
    add = _append_stored if are_stored(process.settings) else _append_here
    try:
        await add(process, row, offset, body)
    except OSError as error:
        raise StorageFailed(f"this part could not be stored: {error.strerror}") from error


async def _append_here(process: Process, row: Row[Any], offset: int, body: AsyncIterator[bytes]) -> None:
    file = await asyncio.to_thread(_open, path(process.settings, row.id))
    try:
        end = os.fstat(file).st_size
        stored_parts.refuse_other_offset(end, offset)
        await _write_all(file, _bounded(body, row.size - end))
    finally:
        os.close(file)


async def _append_stored(process: Process, row: Row[Any], offset: int, body: AsyncIterator[bytes]) -> None:
    end = await arrived(process, row.id)
    stored_parts.refuse_other_offset(end, offset)
    here = working_folder(process.settings) / f"{process.clock.new_id()}.received"
    file = await asyncio.to_thread(_open, here)
    try:
        try:
            await _write_all(file, _bounded(body, row.size - end))
        finally:
            if os.fstat(file).st_size:
                await stored_parts.keep(process, row.id, offset, here)
    finally:
        os.close(file)
        here.unlink(missing_ok=True)


async def _write_all(file: int, pieces: AsyncIterator[bytes]) -> None:
    async for piece in pieces:
        await asyncio.to_thread(_write, file, piece)
    await asyncio.to_thread(os.fsync, file)


def _open(file: Path) -> int:
    """The file to append to, by nobody else at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise Conflict("another part of this upload is being written", param="offset") from None
    return opened


async def _bounded(body: AsyncIterator[bytes], missing: int) -> AsyncIterator[bytes]:
    """The body in pieces that are worth a write, as long as it is neither a part too long nor more than was said."""
    pending, size = bytearray(), 0
    async for chunk in body:
        size += len(chunk)
        if size > wire.PART_BYTES:
            raise TooLarge(f"a part has at most {wire.PART_BYTES} bytes; send the rest as the next part")
        if size > missing:
            raise InvalidRequest(f"only {missing} bytes of this upload are missing", param="offset")
        pending += chunk
        if len(pending) >= WRITTEN_AT_ONCE:
            yield bytes(pending)
            pending.clear()
    yield bytes(pending)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
