"""What is remembered of workers that are gone, and what jobs say that wait for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update
from tests.jobs.conftest import MakeJob

from tropism.server import snapshot
from tropism.server.clock import milliseconds
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools import service
from tropism.server.domains.compute_pools.service import Member
from tropism.server.domains.jobs import service as jobs
from tropism.server.domains.jobs import states
from tropism.server.identity.principal import SYSTEM
from tropism.server.tables.compute_pools import worker
from tropism.server.tables.jobs import job

Data = Database[snapshot.Snapshot]
GONE = 60.0


def member(name: str, pool: str = "gpu") -> Member:
    return Member(name=name, pool=pool, machine="here", capabilities=["training"], devices=["1 CPU core"])


def names(session: Reading) -> set[str]:
    return {row.name for row in session.rows(select(worker.c.name))}


def let_pass(days: float, name: str) -> Callable[[Writing], None]:
    """A write that lets the worker have been there so many days ago."""

    def write(transaction: Writing) -> None:
        then = milliseconds(transaction.now - timedelta(days=days))
        transaction.run(update(worker).where(worker.c.name == name).values(started_ms=then, seen_ms=then))

    return write


async def test_of_those_who_left_the_last_keeps_the_pool(database: Data) -> None:
    for name in ("one", "two", "three"):
        await database.write(SYSTEM, service.announce, member(name))
    for name in ("one", "two"):
        await database.write(SYSTEM, let_pass(1, name))
        await database.write(SYSTEM, service.leave, name)
    await database.write(SYSTEM, service.tidy)
    assert await database.read(SYSTEM, names) == {"three"}
    assert await database.read(SYSTEM, service.alive, "gpu", GONE) == {"three"}
    await database.write(SYSTEM, service.leave, "three")
    await database.write(SYSTEM, service.tidy)
    assert await database.read(SYSTEM, service.is_known, "gpu")


async def test_a_pool_where_nobody_was_for_long_is_forgotten(database: Data) -> None:
    await database.write(SYSTEM, service.announce, member("old"))
    await database.write(SYSTEM, let_pass(31, "old"))
    assert await database.read(SYSTEM, service.is_known, "gpu")
    await database.write(SYSTEM, service.tidy)
    assert not await database.read(SYSTEM, service.is_known, "gpu")
    assert await database.read(SYSTEM, service.known) == ["default"]


async def test_a_worker_that_comes_again_is_the_same_one(database: Data) -> None:
    await database.write(SYSTEM, service.announce, member("one"))
    await database.write(SYSTEM, service.leave, "one")
    assert await database.read(SYSTEM, service.alive, "gpu", GONE) == set()
    await database.write(SYSTEM, service.announce, member("one"))
    assert await database.read(SYSTEM, service.alive, "gpu", GONE) == {"one"}
    assert await database.read(SYSTEM, names) == {"one"}


async def test_jobs_say_that_nobody_is_in_their_pool(database: Data, make_job: MakeJob) -> None:
    await database.write(SYSTEM, service.announce, member("one"))
    made = await make_job()

    def move(transaction: Writing) -> None:
        transaction.run(update(job).where(job.c.id == made.id).values(pool="gpu"))

    await database.write(SYSTEM, move)
    await database.write(SYSTEM, states.explain_empty_pools, GONE)
    assert (await database.read(SYSTEM, jobs.view, made.id)).error is None, "somebody is there"
    await database.write(SYSTEM, service.leave, "one")
    await database.write(SYSTEM, states.explain_empty_pools, GONE)
    waits = await database.read(SYSTEM, jobs.view, made.id)
    assert waits.status == "PENDING"
    assert waits.error == "no worker is in the pool 'gpu'; start one with `tropism worker --pool gpu`"
