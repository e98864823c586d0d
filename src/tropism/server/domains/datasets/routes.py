"""Routes of datasets: looked at, downloaded, deleted, and made of uploads or of the log."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from tropism.server import audit
from tropism.server.context import Context
from tropism.server.database.session import Reading
from tropism.server.domains.datasets import files, generating, making, service, uploads
from tropism.server.domains.datasets.gather import GatherRequest
from tropism.server.domains.feedback import keys
from tropism.server.domains.interactions.filters import conditions
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest, TooLarge, TropismError
from tropism.server.makings import Progress
from tropism.server.web.http import File, handles, receives, sends
from tropism.wire import datasets as wire
from tropism.wire.interactions import InteractionFilter
from tropism.wire.jobs import Job
from tropism.wire.page import Nothing


@handles(wire.LIST)
async def list_all(context: Context, request: wire.DatasetFilter) -> wire.Datasets:
    return await context.read(service.list_all, request)


@handles(wire.GET)
async def get(context: Context, request: wire.DatasetReference) -> wire.Dataset:
    return await context.read(service.get, request)


@handles(wire.PREVIEW)
async def preview(context: Context, request: wire.DatasetPreview) -> wire.DatasetLines:
    row = await context.read(service.by_reference, request)
    first = islice(files.lines(context.services.settings, row.id), request.first)
    return wire.DatasetLines(lines=await asyncio.to_thread(list, first))


@sends(wire.DOWNLOAD)
async def download(context: Context, request: wire.DatasetReference) -> File:
    found = await context.read(service.get, request)
    file = await asyncio.to_thread(files.plain, context.services.settings, found.id)
    return File(_chunks(file), f"{found.key}.jsonl", found.bytes, file.close)


async def _chunks(file: io.BufferedReader) -> AsyncGenerator[bytes]:
    while chunk := await asyncio.to_thread(file.read, files.BUFFER):
        yield chunk


@handles(wire.DELETE)
async def delete(context: Context, request: wire.DatasetReference) -> Nothing:
    removed = await context.write(service.remove, request)
    # A repeated call gets the bytes of the first one's answer.
    await making.discard(context.services, msgspec.json.decode(msgspec.json.encode(removed), type=UUID))
    return Nothing()


@handles(wire.BEGIN_UPLOAD)
async def begin_upload(context: Context, request: wire.UploadCreate) -> wire.Upload:
    limit = context.services.settings.max_dataset_bytes
    if request.size > limit:
        raise TooLarge(f"a dataset has at most {limit} bytes; TROPISM_MAX_DATASET_BYTES sets the limit", param="size")
    return await _described(context, await context.write(uploads.begin, request))


@handles(wire.GET_UPLOAD)
async def get_upload(context: Context, request: wire.UploadReference) -> wire.Upload:
    return await _described(context, await context.read(uploads.find, request.upload))


@receives(wire.UPLOAD_PART)
async def upload_part(context: Context, request: wire.UploadPart, body: AsyncIterator[bytes]) -> wire.Upload:
    row = await context.read(uploads.find, request.upload)
    await uploads.append(context.services, row, request.offset, body)
    return await _described(context, row)


async def _described(context: Context, row: Row[Any]) -> wire.Upload:
    return uploads.described(row, await uploads.arrived(context.services, row.id))


@handles(wire.COMPLETE_UPLOAD)
async def complete_upload(context: Context, request: wire.UploadReference) -> wire.DatasetProgress:
    row = await context.read(uploads.find, request.upload)
    id, progress = row.dataset_id, Progress(row.size, row.size)
    if id is None:
        try:
            id, progress = await _complete(context, request, row)
        except TropismError:
            # Another engine that was asked as well may have been quicker: ours found the key taken, or parts gone.
            id = (await context.read(uploads.find, request.upload)).dataset_id
            if id is None:
                raise
    return await _progress(context, row.use_case_id, id, progress)


async def _complete(context: Context, request: wire.UploadReference, row: Row[Any]) -> tuple[UUID | None, Progress]:
    await _check_complete(context, row)
    services, also = context.services, _entry(context, request, row.team_id)
    return await services.makings.join(
        b"upload" + row.id.bytes, lambda progress: making.from_upload(services, row, progress, also), remember=False
    )


async def _check_complete(context: Context, row: Row[Any]) -> None:
    if row.refusal is not None:
        raise InvalidRequest(row.refusal, param="file")
    arrived = await uploads.arrived(context.services, row.id)
    if arrived != row.size:
        raise Conflict(f"{arrived} of {row.size} bytes are here; send the others first", param="upload")
    if not arrived:
        raise InvalidRequest("the file holds no line", param="file")


@handles(wire.FROM_INTERACTIONS)
async def from_interactions(context: Context, request: wire.DatasetFromInteractions) -> wire.DatasetProgress:
    asked, team = await context.read(_asked, request)
    services, also = context.services, _entry(context, request, team)
    new = service.NewDataset(
        use_case_id=asked.use_case_id,
        key=request.key,
        name=request.name or request.key,
        source="interactions",
        config=msgspec.to_builtins({"filters": request.filters, "preferences": request.preferences}),
    )
    gathered = msgspec.structs.replace(
        asked,
        database=services.settings.database_url,
        target=str(files.working_folder(services.settings) / f"{services.clock.new_id()}.part"),
    )
    # The same idempotency key asks for the same making, also when its answer was lost.
    said = (context.replay or b"") + context.principal.user_id.bytes + msgspec.json.encode(request)
    name = hashlib.sha256(said).digest()
    if not services.makings.knows(name):
        await context.read(_check_new, new)
    id, progress = await services.makings.join(
        name,
        lambda progress: making.from_interactions(services, new, gathered, progress, also),
        remember=context.replay is not None,
    )
    return await _progress(context, asked.use_case_id, id, progress)


@handles(wire.GENERATE)
async def generate(context: Context, request: wire.DatasetGenerate) -> Job:
    job = await context.write(generating.create, request)
    context.services.wake_workers()
    return job


def _entry(context: Context, request: Any, team: UUID) -> making.Also:
    """What is made beside the call is entered in the audit log when it is there."""
    call, principal = context.call, context.principal
    assert call is not None, "this call changes something"
    return lambda transaction, _: audit.note(call, principal, team, transaction, request)


def _asked(session: Reading, request: wire.DatasetFromInteractions) -> tuple[GatherRequest, UUID]:
    """What is to be gathered, and for which team. What is wrong with the request is said before anything begins."""
    used = use_cases.find(session, request.use_case)
    use_cases.demand(session, used, "interaction:read", "copies interactions")
    filters = request.filters or InteractionFilter()
    conditions(session, used.id, filters)
    key = None if request.preferences is None else keys.find(session, request.preferences, "preferences").id
    return GatherRequest(database="", use_case_id=used.id, filters=filters, preferences=key, target=""), used.team_id


def _check_new(session: Reading, new: service.NewDataset) -> None:
    service.check_new(session, new.use_case_id, new.key)


async def _progress(context: Context, use_case_id: UUID, id: UUID | None, progress: Progress) -> wire.DatasetProgress:
    made = None if id is None else await context.read(_made, (id, use_case_id))
    return wire.DatasetProgress(dataset=made, processed=progress.processed, total=progress.total)


def _made(session: Reading, found: tuple[UUID, UUID]) -> wire.Dataset:
    id, use_case_id = found
    return service.described(service.find(session, str(id), use_case_id))
