"""What has to be done now and then, whoever calls or does not: forget old answers, end A/B tests and stalled jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from tropism.server import audit, replays, rotation
from tropism.server.context import Services
from tropism.server.domains.ab_tests import lifecycle
from tropism.server.domains.access import keys
from tropism.server.domains.datasets import tidying
from tropism.server.domains.jobs import states
from tropism.server.principal import SYSTEM

EVERY_SECONDS = 60.0
log = logging.getLogger("tropism")


@contextlib.asynccontextmanager
async def done_regularly(services: Services) -> AsyncIterator[None]:
    """Do the chores at once, and every minute from then on."""
    task = asyncio.create_task(_keep_doing(services))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _note_key_uses(services)


async def _note_key_uses(services: Services) -> None:
    used = dict(services.used_keys)
    services.used_keys.clear()
    if used:
        await services.database.write(SYSTEM, keys.note_uses, used)
    digests = dict(services.rehashed_keys)
    services.rehashed_keys.clear()
    if digests:
        await services.database.write(SYSTEM, rotation.rehash, digests, services.secrets.fingerprint)


async def _keep_doing(services: Services) -> None:
    while True:
        try:
            await replays.forget_old(services.database)
            await services.database.write(SYSTEM, lifecycle.expire)
            await _note_key_uses(services)
            await services.database.write(SYSTEM, audit.forget_before, services.settings.audit_days)
            await tidying.tidy(services)
            await services.database.write(SYSTEM, states.fail_unheard, services.settings.job_stall_seconds)
        except Exception:
            log.exception("a chore could not be done; it is tried again in a minute")
        await asyncio.sleep(EVERY_SECONDS)
