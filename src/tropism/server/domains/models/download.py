"""The download of a model as its job sees it: done in a process beside, counted in bytes, tried again, gone on with."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from tropism.server.domains.models import homes
from tropism.server.domains.models.homes import FOUND, SOURCE, home
from tropism.server.domains.models.imports import HubModel, ImportRequest
from tropism.server.jobs.protocol import JobFailed, Run
from tropism.server.processes.hard_work import beside
from tropism.weights.messages import Ask, Fetched, Found, Trouble, Verified

LOOK_SECONDS = 0.5
PAUSES = (1.0, 5.0, 15.0, 60.0, 180.0)
"""Seconds to wait for a hub that does not answer, as long as nothing arrives in between."""
CONVERTED_SHARE = 0.6
"""The most that a converted model takes of the disk, as a share of its weights with 16 bits each."""
RESERVE = 256 * 1024**2
"""What has to be left of the disk: the database is on it, too."""
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "PYTHON", "VIRTUAL_ENV", "SSL_CERT_")
ENVIRONMENT = {
    "HF_HUB_DISABLE_XET": "1",  # its own protocol connects past Python, where no guard sees it
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_VERBOSITY": "critical",
}
Said = Found | Fetched | Trouble | Verified
_read = msgspec.json.Decoder(Said).decode


async def downloaded(run: Run[ImportRequest], hub: HubModel) -> Found:
    """Have all files of a model in the job's folder, whole and checked."""
    if find_spec("huggingface_hub") is None:
        raise JobFailed("downloads need the Python package 'huggingface_hub': pip install 'tropism[server]'")
    folder = home(run.services.settings, run.id)
    found = await _find(run, hub, folder)
    await run.begin("download", total=found.size)
    await run.begin("verify", total=found.size)
    await _again_and_again(run, hub, found, folder / SOURCE)
    await run.end("download")
    await run.end("verify")
    return found


async def _find(run: Run[ImportRequest], hub: HubModel, folder: Path) -> Found:
    """What there is to download: once for all attempts, so that all files are of one commit."""
    kept = folder / FOUND
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=Found)
    await run.begin("find")
    found = await _again_and_again(run, hub, None, folder)
    assert isinstance(found, Found)
    (folder / SOURCE).mkdir(parents=True, exist_ok=True)
    await _inherit(run, found, folder)
    _refuse_full_disk(found, folder)
    partial = kept.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(found))
    partial.replace(kept)
    await run.log(f"{hub.hf_model_id} at {found.revision}: {len(found.weights)} files of weights, {found.size:,} bytes")
    await run.end("find")
    return found


async def _inherit(run: Run[ImportRequest], found: Found, folder: Path) -> None:
    """Take over what a job has left that failed at the same model."""
    settings = run.services.settings
    ids = [id for id in await asyncio.to_thread(homes.with_homes, settings) if id != run.id]
    for id in await run.services.database.read(run.principal, homes.failed, ids):
        other = home(settings, id)
        with suppress(OSError, msgspec.DecodeError):
            if msgspec.json.decode((other / FOUND).read_bytes(), type=Found) == found:
                shutil.rmtree(folder / SOURCE)
                (other / SOURCE).rename(folder / SOURCE)
                shutil.rmtree(other)
                await run.log(f"goes on with the {found.arrived(folder / SOURCE):,} bytes that job {id} left")
                return


def _refuse_full_disk(found: Found, folder: Path) -> None:
    converted = sum(file.size for file in found.weights) * CONVERTED_SHARE if found.kind == "safetensors" else 0
    needed = found.size - found.arrived(folder / SOURCE) + int(converted) + RESERVE
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise JobFailed(
            f"the disk is too small: {_gigabytes(found.size)} to download, {_gigabytes(converted)} for the converted "
            f"model and {_gigabytes(RESERVE)} to spare, and {_gigabytes(free)} are free in {folder.parent}; make room, "
            "or start the engine with --data on a larger disk"
        )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


async def _again_and_again(
    run: Run[ImportRequest], hub: HubModel, found: Found | None, folder: Path
) -> Found | Fetched:
    """Until it is done, or until the hub has been silent for too long."""
    tries, before = 0, found.arrived(folder) if found else 0
    while isinstance(said := await _once(run, hub, found, folder), Trouble):
        arrived = found.arrived(folder) if found else 0
        tries, before = (0 if arrived > before else tries), arrived
        if not said.passing:
            raise JobFailed(said.message)
        if tries == len(PAUSES):
            kept = "; what has arrived is kept for a day, and adding the model again goes on with it" if arrived else ""
            raise JobFailed(f"{said.message}, {tries + 1} times in a row{kept}")
        await run.log(f"{said.message}; tries again in {PAUSES[tries]:g} seconds", "warning")
        await asyncio.sleep(PAUSES[tries])
        tries += 1
    return said


async def _once(run: Run[ImportRequest], hub: HubModel, found: Found | None, folder: Path) -> Found | Fetched | Trouble:
    settings = run.services.settings
    ask = Ask(
        hub=settings.hub,
        egress=settings.egress_entries,
        token=await run.secret(),
        found=found,
        folder=str(folder),
        **msgspec.structs.asdict(hub),
    )
    end: Found | Fetched | Trouble | None = None
    async with beside("tropism.server.domains.models.fetch", ask, _environment()) as answers:
        async for said in _heard(answers):
            if found is not None:
                await _count(run, found, folder, said.size if isinstance(said, Verified) else 0)
            if said is not None and not isinstance(said, Verified):
                end = said
    assert end is not None, "it says how it ended on its last line, or fails"
    return end


async def _heard(answers: asyncio.StreamReader) -> AsyncIterator[Said | None]:
    """What the process says; None now and then while it says nothing."""
    while True:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                line = await answers.readline()
        except TimeoutError:
            yield None
            continue
        if not line:
            return
        yield _read(line)


async def _count(run: Run[ImportRequest], found: Found, folder: Path, verified: int) -> None:
    """What is on the disk is what has arrived, whoever wrote it."""
    arrived = await asyncio.to_thread(found.arrived, folder)
    if further := arrived - await run.processed("download"):
        await run.write(_nothing, stage="download", advance=further)
    if verified:
        await run.write(_nothing, stage="verify", advance=verified)


def _nothing(transaction: Any) -> None:
    """A write that only counts."""


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return kept | ENVIRONMENT
