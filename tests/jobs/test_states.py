"""What a worker may change of a job, and when it may not any more."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.jobs.conftest import MakeJob

from tropism.server.clock import milliseconds
from tropism.server.database.connect import Database
from tropism.server.database.session import Writing
from tropism.server.domains.jobs import service, states
from tropism.server.errors import Conflict
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.silences import Silences
from tropism.server.snapshot import Snapshot
from tropism.server.tables.jobs import job
from tropism.wire.jobs import Job, JobLogsFilter, JobReference

Data = Database[Snapshot]


async def begun(database: Data, made: Job) -> int:
    row = await database.write(SYSTEM, states.begin, made.id)
    assert row is not None
    return int(row.attempt)


async def seen(database: Data, made: Job) -> Job:
    return await database.read(SYSTEM, service.view, made.id)


class Watch:
    """A clock that nobody can set, but for these tests."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def beat_at(transaction: Writing, made: Job, attempt: int, later_ms: int) -> None:
    """A sign of life by a clock that goes before the others."""
    at = milliseconds(transaction.now) + later_ms
    transaction.run(update(job).where(job.c.id == made.id, job.c.attempt == attempt).values(heartbeat_ms=at))


async def cancel(database: Data, made: Job) -> Job:
    return await database.write(SYSTEM, service.cancel, JobReference(job=made.id))


async def test_from_the_queue_to_the_end(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    assert (made.status, made.attempt, made.started_at) == ("PENDING", 0, None)
    attempt = await begun(database, made)
    await database.write(SYSTEM, states.begin_stage, made.id, attempt, "count", 3)
    await database.write(SYSTEM, states.advance, made.id, attempt, "count", 2)
    counting = await seen(database, made)
    assert counting.status == "RUNNING"
    assert counting.stages[0].status == "PENDING"
    stage = counting.stages[1]
    assert (stage.status, stage.processed, stage.total) == ("RUNNING", 2, 3)
    await database.write(SYSTEM, states.advance, made.id, attempt, "count", 1)
    await database.write(SYSTEM, states.end_stage, made.id, attempt, "count")
    await database.write(SYSTEM, states.complete, made.id, attempt, {"counted": 3})
    done = await seen(database, made)
    assert (done.status, done.result, done.error) == ("COMPLETED", {"counted": 3}, None)
    assert [stage.status for stage in done.stages] == ["COMPLETED", "COMPLETED"]
    assert done.started_at is not None
    assert done.ended_at is not None
    assert done.created_at <= done.started_at <= done.ended_at


async def test_a_canceled_job_takes_nothing_more(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    attempt = await begun(database, made)
    assert (await cancel(database, made)).status == "CANCELED"
    for change, arguments in (
        (states.beat, ()),
        (states.begin_stage, ("count", 3)),
        (states.note, ("info", "hello")),
        (states.complete, (None,)),
        (states.fail, ("why",)),
    ):
        with pytest.raises(states.Stopped):
            await database.write(SYSTEM, change, made.id, attempt, *arguments)
    assert await database.write(SYSTEM, states.begin, made.id) is None
    ended = await seen(database, made)
    assert ended.status == "CANCELED"
    assert ended.error is None


async def test_cancel_twice_is_fine_and_too_late_is_said(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    first = await cancel(database, made)
    assert await cancel(database, made) == first
    other = await make_job()
    await database.write(SYSTEM, states.complete, other.id, await begun(database, other), None)
    with pytest.raises(Conflict, match="COMPLETED"):
        await cancel(database, other)


async def test_who_begins_later_fences_off_the_earlier(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    zombie, heir = await begun(database, made), await begun(database, made)
    await database.write(SYSTEM, states.begin_stage, made.id, heir, "count", 3)
    with pytest.raises(states.Stopped):
        await database.write(SYSTEM, states.advance, made.id, zombie, "count", 1)
    await database.write(SYSTEM, states.advance, made.id, heir, "count", 1)
    assert (await seen(database, made)).stages[1].processed == 1


async def test_what_comes_too_late_is_not_half_stored(database: Data, make_job: MakeJob) -> None:
    made, witness = await make_job(), await make_job()
    attempt = await begun(database, made)
    await cancel(database, made)

    def store_then_advance(transaction: Writing) -> None:
        transaction.run(update(job).where(job.c.id == witness.id).values(name="touched"))
        states.advance(transaction, made.id, attempt, "count", 1)

    with pytest.raises(states.Stopped):
        await database.write(SYSTEM, store_then_advance)
    assert (await seen(database, witness)).name == "count"


async def test_a_job_that_kills_its_workers_is_given_up(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    for _ in range(states.MOST_DEATHS):
        await begun(database, made)
    assert await database.write(SYSTEM, states.begin, made.id) is None
    failed = await seen(database, made)
    assert failed.status == "FAILED"
    assert "workers died" in (failed.error or "")


async def test_a_job_that_comes_further_may_lose_any_number_of_workers(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    for _ in range(3 * states.MOST_DEATHS):
        attempt = await begun(database, made)
        await database.write(SYSTEM, states.begin_stage, made.id, attempt, "count", None)
        await database.write(SYSTEM, states.advance, made.id, attempt, "count", 1)
    assert (await seen(database, made)).stages[1].processed == 3 * states.MOST_DEATHS
    lines = (await database.read(SYSTEM, service.logs, JobLogsFilter(job=made.id))).lines
    assert [line.number for line in lines] == list(range(1, 3 * states.MOST_DEATHS))
    assert {line.level for line in lines} == {"warning"}


async def test_a_job_that_is_handed_back_waits_again(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    for _ in range(2 * states.MOST_DEATHS):
        await database.write(SYSTEM, states.hand_back, made.id, await begun(database, made))
    assert (await seen(database, made)).status == "PENDING"
    assert [each.id for each in await database.read(SYSTEM, states.unfinished, "default", ["evaluation"])] == [made.id]
    assert not await database.read(SYSTEM, states.unfinished, "default", ["training"])


async def test_a_job_of_which_nothing_is_heard_has_failed(database: Data, make_job: MakeJob) -> None:
    silent, lively, waiting = await make_job(), await make_job(), await make_job()
    await begun(database, silent)
    attempt, watch = await begun(database, lively), Watch()
    silences = Silences(watch)
    assert silences.longer_than(10, await database.read(SYSTEM, states.beats)) == []
    watch.seconds += 11
    await database.write(SYSTEM, beat_at, lively, attempt, 11_000)
    unheard = silences.longer_than(10, await database.read(SYSTEM, states.beats))
    await database.write(SYSTEM, states.fail_unheard, unheard, 10)
    assert [(await seen(database, each)).status for each in (silent, lively, waiting)] == [
        "FAILED",
        "RUNNING",
        "PENDING",
    ]
    assert "10 seconds" in ((await seen(database, silent)).error or "")


async def test_a_clock_that_jumps_ends_no_job(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    attempt, watch = await begun(database, made), Watch()
    silences = Silences(watch)
    for jump in (-86_400_000, 86_400_000, 0):
        await database.write(SYSTEM, beat_at, made, attempt, jump)
        assert silences.longer_than(10, await database.read(SYSTEM, states.beats)) == []
        watch.seconds += 5


async def test_a_job_that_is_heard_of_in_the_last_moment_goes_on(database: Data, make_job: MakeJob) -> None:
    made = await make_job()
    attempt = await begun(database, made)
    unheard = await database.read(SYSTEM, states.beats)
    await database.write(SYSTEM, beat_at, made, attempt, 1)
    await database.write(SYSTEM, states.fail_unheard, unheard, 10)
    assert (await seen(database, made)).status == "RUNNING"
