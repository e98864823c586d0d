"""Engines notice when a worker that answers for models is gone, and have the models say so that it had."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from tropism.server.background import alongside
from tropism.server.clock import milliseconds
from tropism.server.context import Services
from tropism.server.domains.compute_pools import service
from tropism.server.errors import DatabaseAway, StorageFailed
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.presence import Presence
from tropism.server.serving.placement import settled

EVERY_SECONDS = 1.0
log = logging.getLogger("tropism")


@contextlib.asynccontextmanager
async def called(services: Services) -> AsyncIterator[None]:
    """Call the roll within this block."""
    async with alongside(_keep_calling(services)):
        yield


async def _keep_calling(services: Services) -> None:
    presence = Presence(services.clock.monotonic, services.settings.worker_gone_seconds)
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        if not services.database.snapshot.workers:  # nothing is asked of the database for nobody
            continue
        try:
            await _call(services, presence)
        except (DatabaseAway, StorageFailed) as error:
            log.warning("which workers are gone is not known: %s", error)
        except Exception:
            log.exception("which workers are gone could not be seen; tried again")


async def _call(services: Services, presence: Presence) -> None:
    signs = await services.database.read(SYSTEM, service.answering_signs)
    alive = presence.alive(signs, milliseconds(services.clock.now()))
    if silent := {name: at_ms for name, at_ms in signs.items() if name not in alive}:
        log.warning("gone: %s", ", ".join(silent))
        await services.database.write(SYSTEM, settled, service.bury, silent)
