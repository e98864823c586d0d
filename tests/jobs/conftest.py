"""A database of its own with a use case in it, and jobs of which tests are the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.database.session import Writing
from tropism.server.domains.access import service as access
from tropism.server.domains.jobs import service
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.secrets import Secrets, master_key
from tropism.server.snapshot import Snapshot
from tropism.testing.database import database_of
from tropism.wire.jobs import Job
from tropism.wire.use_cases import UseCaseCreate

MakeJob = Callable[..., Awaitable[Job]]


class Count(Struct, kw_only=True, frozen=True):
    """How far to count."""

    to: int = 10


def count_in(use_case: str, *, to: int = 10, capability: str = "evaluation") -> Callable[[Writing], Job]:
    """A write that enqueues a job which counts, with the stages `prepare` and `count`."""

    def enqueue(transaction: Writing) -> Job:
        row = use_cases.find(transaction, use_case)
        new = service.NewJob(
            kind="evaluation",
            name="count",
            team_id=row.team_id,
            use_case_id=row.id,
            request=Count(to=to),
            stages=["prepare", "count"],
            capability=capability,
        )
        return service.enqueue(transaction, new)

    return enqueue


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database[Snapshot]]:
    """A database with one team and the use case `counting`."""
    opened = Database(database_of(tmp_path), Clock(), snapshot.load, snapshot.version)
    await opened.open()
    await opened.write(SYSTEM, access.found, Secrets(master_key(None, tmp_path / "secret.key")), "tk_of-nobody")
    await opened.write(SYSTEM, use_cases.create, UseCaseCreate(key="counting"))
    yield opened
    await opened.close()


@pytest.fixture
def make_job(database: Database[Snapshot]) -> MakeJob:
    async def make(**options: Any) -> Job:
        return await database.write(SYSTEM, count_in("counting", **options))

    return make
