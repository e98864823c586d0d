"""The folders of models that were brought here, each named by its job: what is in them, and when they go."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import or_, select

from tropism.server.clock import milliseconds
from tropism.server.context import Process
from tropism.server.database.session import Reading
from tropism.server.files import model_files, stored_files
from tropism.server.files.carrying import StoredFile
from tropism.server.identity.principal import SYSTEM
from tropism.server.settings import Settings
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model

SOURCE = "source"
"""The files as they were downloaded: what training begins with."""
GGUF = "model.gguf"
FOUND = "found.json"
ENDED = ("COMPLETED", "FAILED", "CANCELED")
SETTLED_MS = 60_000
"""So long after the end of a job no worker can be putting anything into the storage for it."""
KEPT_SECONDS = 24 * 3600
"""How long the files of a job that failed wait for somebody to try again."""


def home(settings: Settings, id: UUID) -> Path:
    """Where one job keeps its files."""
    return settings.data.absolute() / "models" / str(id)


def with_homes(settings: Settings) -> list[UUID]:
    """The jobs that have one."""
    found = []
    for folder in (settings.data.absolute() / "models").glob("*/"):
        try:
            found.append(UUID(folder.name))
        except ValueError:  # none of ours
            continue
    return found


async def tidy(process: Process) -> None:
    """Remove the folders that nobody will need any more, and what jobs that have ended left in the storage besides."""
    settings = process.settings
    if model_files.are_stored(settings):
        await model_files.remove(process.database, settings, await process.database.read(SYSTEM, left_over))
    ids = await asyncio.to_thread(with_homes, settings)
    before = milliseconds(process.clock.now()) - KEPT_SECONDS * 1000
    for id in await process.database.read(SYSTEM, given_up, ids, before):
        await asyncio.to_thread(shutil.rmtree, home(settings, id), ignore_errors=True)


def given_up(session: Reading, ids: Sequence[UUID], before_ms: int) -> list[UUID]:
    """Those of canceled jobs, and of jobs that failed before then."""
    canceled = job.c.status == "CANCELED"
    failed = (job.c.status == "FAILED") & (job.c.ended_ms < before_ms)
    is_model = select(model.c.id).where(model.c.id == job.c.id).exists()
    wanted = select(job.c.id).where(job.c.id.in_(ids), canceled | failed, ~is_model)
    return [row.id for row in session.rows(wanted)]


def failed(session: Reading, ids: Sequence[UUID]) -> list[UUID]:
    """Those of jobs that failed: what they have is whoever's who tries again."""
    rows = session.rows(select(job.c.id).where(job.c.id.in_(ids), job.c.status == "FAILED").order_by(job.c.id.desc()))
    return [row.id for row in rows]


def left_over(session: Reading) -> list[StoredFile]:
    """What the storage holds of jobs that have ended, and belongs to no model."""
    ended = select(job.c.id).where(job.c.status.in_(ENDED), job.c.ended_ms < milliseconds(session.now) - SETTLED_MS)
    files = stored_files.of_owners(session, ended)
    made = select(model).where(or_(model.c.id.in_(ended), model.c.training_job_id.in_(ended)))
    kept = [path for row in session.rows(made) for path in model_files.paths_of(row)]
    return [each for each in files if not each.is_under(kept)]
