"""A process is a worker of a compute pool for as long as it says so, every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from tropism.engines.cores import usable_cores
from tropism.server.background import alongside
from tropism.server.context import Process
from tropism.server.database.session import Writing
from tropism.server.domains.compute_pools import service
from tropism.server.domains.compute_pools.service import Member
from tropism.server.errors import StorageFailed
from tropism.server.identity.principal import SYSTEM
from tropism.server.serving.placement import Load, settled
from tropism.server.settings import Settings

BEATS = 4
"""So many times it says that it lives before others would think it gone."""
GPUS = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
LOAD_SECONDS = 5.0
"""So often one that answers for models says how busy it is."""
log = logging.getLogger("tropism")


@dataclass(frozen=True, slots=True)
class Answers:
    """Of a worker that answers for models: where it is asked, and how it says again which ones it has."""

    address: str
    repeat: Callable[[Writing], None]


@contextlib.asynccontextmanager
async def announced(
    process: Process,
    name: str,
    pool: str,
    capabilities: Sequence[str],
    *,
    load: Callable[[], Load] = Load,
    answers: Answers | None = None,
) -> AsyncIterator[Member]:
    """Be a worker of the pool within this block."""
    member = Member(
        name=name,
        pool=pool,
        machine=platform.node(),
        capabilities=capabilities,
        devices=await asyncio.to_thread(find_devices),
        address=answers.address if answers else None,
    )
    await process.database.write(SYSTEM, settled, service.announce, member)
    try:
        async with alongside(_keep_beating(process, member, load, answers)):
            yield member
    finally:
        with contextlib.suppress(StorageFailed):  # then the others will think it gone before long
            await process.database.write(SYSTEM, settled, service.leave, name)


def place(settings: Settings) -> str:
    """Where a worker works, for its name: this machine, and its data directory."""
    return f"{platform.node()}/{settings.data.absolute()}"


async def _keep_beating(process: Process, member: Member, load: Callable[[], Load], answers: Answers | None) -> None:
    pause = process.settings.worker_gone_seconds / BEATS
    while True:
        await asyncio.sleep(min(pause, LOAD_SECONDS) if answers else pause)
        try:
            if await process.database.write(SYSTEM, _beat, member, load()) and answers:
                await process.database.write(SYSTEM, answers.repeat)
        except StorageFailed as error:
            log.warning("the compute pool %s cannot be told that this worker lives: %s", member.pool, error)


def _beat(transaction: Writing, member: Member, load: Load) -> bool:
    """Whether others had thought it gone."""
    return settled(transaction, service.beat, member, load)


def find_devices() -> list[str]:
    """What this machine computes with, in words."""
    number = usable_cores()
    return [f"{number} CPU core{'s' if number > 1 else ''}", *_gpus()]


def _gpus() -> list[str]:
    if not shutil.which(GPUS[0]):
        return []
    try:
        said = subprocess.run(GPUS, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.splitlines() if line.strip()]
