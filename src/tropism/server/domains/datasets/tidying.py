"""Remove what nobody will ask for any more: uploads and files that were abandoned a day ago."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from tropism.server.clock import EPOCH
from tropism.server.context import Services
from tropism.server.domains.datasets import making, service, stored_parts, uploads
from tropism.server.domains.datasets.files import working_folder
from tropism.server.files.model_files import are_stored
from tropism.server.identity.principal import SYSTEM


async def tidy(services: Services) -> None:
    """Look at everything that could be abandoned."""
    settings, database = services.settings, services.database
    oldest = (services.clock.now() - service.FORGOTTEN_AFTER - EPOCH).total_seconds()
    await asyncio.to_thread(_remove_untouched, working_folder(settings), oldest)
    for id in await database.read(SYSTEM, uploads.old):
        if are_stored(settings):
            await stored_parts.discard(services, id)
        if not await uploads.arrived(services, id):
            await database.write(SYSTEM, uploads.forget, id)
    abandoned: list[UUID] = await database.read(SYSTEM, service.abandoned_files)
    for id in abandoned:
        await making.discard(services, id)


def _remove_untouched(folder: Path, oldest: float) -> None:
    """Remove files that did not grow since then."""
    for file in folder.glob("*"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
