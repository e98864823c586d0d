"""What has to be done now and then, whoever calls or does not: forget old answers, end A/B tests and stalled jobs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from tropism.server import audit
from tropism.server.background import alongside
from tropism.server.context import Services
from tropism.server.domains.ab_tests import lifecycle
from tropism.server.domains.access import keys
from tropism.server.domains.chat import cache
from tropism.server.domains.compute_pools import service as compute_pools
from tropism.server.domains.datasets import tidying
from tropism.server.domains.jobs import states
from tropism.server.domains.models import homes
from tropism.server.domains.sign_ins import attempts
from tropism.server.domains.sign_ins import service as sign_ins
from tropism.server.errors import DatabaseAway, StorageFailed
from tropism.server.identity import rotation
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.silences import Silences
from tropism.server.limits import leases
from tropism.server.web import replays

EVERY_SECONDS = 60.0
log = logging.getLogger("tropism")


@contextlib.asynccontextmanager
async def done_regularly(services: Services) -> AsyncIterator[None]:
    """Do the chores at once, and every minute from then on."""
    try:
        async with alongside(_keep_doing(services)):
            yield
    finally:
        with contextlib.suppress(StorageFailed):  # when a key was used last is worth no more
            await _note_uses(services)


async def _note_uses(services: Services) -> None:
    await _note_sign_ins(services)
    used = dict(services.used_keys)
    services.used_keys.clear()
    if used:
        await services.database.write(SYSTEM, keys.note_uses, used)
    digests = dict(services.rehashed_keys)
    services.rehashed_keys.clear()
    if digests:
        await services.database.write(SYSTEM, rotation.rehash, digests, services.secrets.fingerprint)


async def _note_sign_ins(services: Services) -> None:
    """What is only in memory is still needed there: the snapshot may not hear of it for a while."""
    now, idle = time.time(), services.settings.sign_in_idle_hours * 3600
    used = {id: at for id, at in services.used_sign_ins.items() if at > now - 2 * EVERY_SECONDS}
    if used:
        await services.database.write(SYSTEM, sign_ins.note_uses, used, idle / 20)
    for id in [id for id, at in services.used_sign_ins.items() if at <= now - idle]:
        services.used_sign_ins.pop(id, None)


async def _keep_doing(services: Services) -> None:
    chores = _chores(services, Silences(services.clock.monotonic))
    while True:
        for chore in chores:
            try:
                await chore()
            except DatabaseAway as error:
                log.warning("a chore waits for the database: %s", error)
            except Exception:  # one that cannot be done keeps no other from being done
                log.exception("a chore could not be done; it is tried again in a minute")
        await asyncio.sleep(EVERY_SECONDS)


def _chores(services: Services, silences: Silences) -> list[Callable[[], Awaitable[object]]]:
    settings, write = services.settings, partial(services.database.write, SYSTEM)
    return [
        partial(replays.forget_old, services.database),
        partial(write, lifecycle.expire),
        partial(_note_uses, services),
        partial(write, sign_ins.forget_ended, settings.sign_in_idle_hours),
        partial(write, attempts.forget_old),
        partial(write, audit.forget_before, settings.audit_days),
        partial(tidying.tidy, services),
        partial(cache.tidy, services.database),
        partial(write, leases.tidy),
        partial(homes.tidy, services),
        partial(write, compute_pools.tidy),
        partial(write, states.explain_empty_pools, settings.worker_gone_seconds),
        partial(_fail_unheard, services, silences),
    ]


async def _fail_unheard(services: Services, silences: Silences) -> None:
    seconds = services.settings.job_stall_seconds
    if silent := silences.longer_than(seconds, await services.database.read(SYSTEM, states.beats)):
        await services.database.write(SYSTEM, states.fail_unheard, silent, seconds)
