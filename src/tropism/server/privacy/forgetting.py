"""Carries out deletions: in small transactions with pauses, so that chat goes on, and on again after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from tropism.server.background import alongside
from tropism.server.context import Services
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import forgetting as tests
from tropism.server.domains.chat import cache
from tropism.server.domains.costs import forgetting as costs
from tropism.server.domains.evaluation import forgetting as evaluations
from tropism.server.domains.feedback import forgetting as feedback
from tropism.server.domains.interactions import forgetting as interactions
from tropism.server.domains.interactions.forgetting import AT_ONCE, Selection
from tropism.server.identity.principal import SYSTEM
from tropism.server.web import replays

EVERY_SECONDS = 60.0
"""How often to look for interactions that a use case does not keep any longer."""
log = logging.getLogger("tropism")


@contextlib.asynccontextmanager
async def carried_out(services: Services) -> AsyncIterator[None]:
    """Delete what was left undone, what is asked for from now on, and what becomes too old."""
    async with alongside(_keep_on(services)):
        yield


async def _keep_on(services: Services) -> None:
    while True:
        services.deletions.clear()
        try:
            await _all(services)
        except Exception:
            log.exception("interactions could not be deleted; it is tried again in a minute")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                await services.deletions.wait()


async def _all(services: Services) -> None:
    database = services.database
    for id, stand_in, wanted in await database.read(SYSTEM, interactions.unfinished):
        await _delete(services, wanted, id)
        if wanted.user is not None:
            await _disown(services, wanted, wanted.user, stand_in)
            await _disown_costs(services, wanted)
        await replays.forget_gone(database, wanted.user)
        await database.write(SYSTEM, interactions.end, id)
        database.wipe_log()
    for wanted in await database.read(SYSTEM, interactions.too_old):
        await _disown_costs(services, wanted)
        if await _delete(services, wanted, None):
            database.wipe_log()  # answers to repeated calls are of today


async def _delete(services: Services, wanted: Selection, deletion: UUID | None) -> int:
    """Delete all that is wanted; how many there were."""
    database, deleted = services.database, 0
    while ids := await database.read(SYSTEM, interactions.following, wanted):
        began = time.perf_counter()
        ids += await database.read(SYSTEM, evaluations.replays_of, ids)
        for first in range(0, len(ids), AT_ONCE):
            deleted += await database.write(SYSTEM, _forget, ids[first : first + AT_ONCE], deletion)
        await asyncio.sleep(time.perf_counter() - began)  # half of the time is for others
    return deleted


def _forget(transaction: Writing, ids: Sequence[UUID], deletion: UUID | None) -> int:
    """All that there is of some interactions, in one transaction."""
    evaluations.forget(transaction, ids)
    feedback.forget(transaction, ids)
    cache.forget(transaction, ids)
    rows = interactions.forget(transaction, ids)
    tests.anonymise(transaction, [(row.ab_test_id, row.ab_unit) for row in rows if row.ab_test_id and row.ab_unit])
    if deletion is not None:
        interactions.note(transaction, deletion, len(rows))
    return len(rows)


async def _disown(services: Services, wanted: Selection, user: UUID, stand_in: UUID) -> None:
    """What the user said about others' completions is nobody's from now on."""
    database = services.database
    said = await database.read(SYSTEM, feedback.said_by, wanted.use_case_id, user, wanted.until)
    for values, pairs in zip(*(_some(each, max(map(len, said))) for each in said), strict=True):
        await database.write(SYSTEM, feedback.disown, values, pairs, stand_in)
    await database.write(SYSTEM, tests.anonymise_user, wanted.use_case_id, user)


async def _disown_costs(services: Services, wanted: Selection) -> None:
    """What was spent stays, but not for whom."""
    while await services.database.write(SYSTEM, costs.disown, wanted.use_case_id, wanted.until, wanted.user):
        pass


def _some(ids: list[UUID], longest: int) -> list[list[UUID]]:
    """The ids in pieces, as many as the longest of several lists makes."""
    return [ids[first : first + AT_ONCE] for first in range(0, longest, AT_ONCE)]
