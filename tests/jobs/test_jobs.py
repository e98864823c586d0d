"""Jobs as callers see them: listed, watched, waited for, canceled. The test itself is the worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import Both
from tests.jobs.conftest import count_in

from tropism import APIConnectionError, APITimeoutError, NotFoundError, Tropism, TropismError
from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.jobs import states
from tropism.server.identity.principal import SYSTEM
from tropism.testing import RunningServer, run_server
from tropism.testing.database import database_of
from tropism.wire.jobs import Job

Write = Callable[..., Any]


@pytest.fixture
def write(server: RunningServer) -> Iterator[Write]:
    """Writes to the server's database as a worker does, from outside of the server."""
    with asyncio.Runner() as runner:

        async def opened() -> Database[snapshot.Snapshot]:
            database = Database(server.database, Clock(), snapshot.load, snapshot.version)
            await database.open()
            return database

        database = runner.run(opened())
        yield lambda work, *arguments: runner.run(database.write(SYSTEM, work, *arguments))
        runner.run(database.close())


@pytest.fixture
def made(write: Write, use_case: str) -> Job:
    """A job that no worker takes."""
    job: Job = write(count_in(use_case, capability="of-the-test"))
    return job


def begin(write: Write, made: Job) -> int:
    attempt: int = write(states.begin, made.id).attempt
    write(states.begin_stage, made.id, attempt, "count", 4)
    return attempt


def test_it_is_listed_and_found(call: Both, made: Job, use_case: str) -> None:
    assert [job.id for job in call("jobs.list", use_case=use_case)] == [made.id]
    assert call("jobs.list", "evaluation", "RUNNING", use_case=use_case) == []
    found = call("jobs.get", made.id)
    assert (found.use_case, found.status, found.compute_pool) == (use_case, "PENDING", "default")
    assert [stage.name for stage in found.stages] == ["prepare", "count"]
    assert call("jobs.logs", made.id) == []


def test_the_list_goes_on_behind_a_job(call: Both, write: Write, use_case: str) -> None:
    ids = [write(count_in(use_case, capability="of-the-test")).id for _ in range(3)]
    newest = call("jobs.list", limit=2, use_case=use_case)
    assert [job.id for job in newest] == [ids[2], ids[1]]
    assert [job.id for job in call("jobs.list", after=newest[-1].id, use_case=use_case)] == [ids[0]]


def test_no_such_job(call: Both) -> None:
    for operation in ("jobs.get", "jobs.cancel", "jobs.logs"):
        with pytest.raises(NotFoundError, match=r"jobs\.list"):
            call(operation, uuid4())


def test_watching_shows_every_step_to_the_end(client: Tropism, write: Write, made: Job) -> None:
    seen: list[Job] = []
    watcher = threading.Thread(target=lambda: seen.extend(client.jobs.watch(made.id)))
    watcher.start()
    attempt = begin(write, made)
    write(states.advance, made.id, attempt, "count", 4)
    write(states.note, made.id, attempt, "info", "counted")
    write(states.complete, made.id, attempt, {"counted": 4})
    watcher.join()
    assert seen[-1].status == "COMPLETED"
    assert seen[-1].result == {"counted": 4}
    assert len({str(job) for job in seen}) == len(seen), "it is sent when it changed, and only then"
    assert [line.message for line in client.jobs.logs(made.id)] == ["counted"]


def test_watching_what_has_ended_ends_at_once(call: Both, made: Job) -> None:
    call("jobs.cancel", made.id)
    assert [job.status for job in call.items(call("jobs.watch", made.id))] == ["CANCELED"]


def test_waiting_for_a_job(call: Both, write: Write, made: Job) -> None:
    with pytest.raises(APITimeoutError, match="PENDING"):
        call("jobs.wait", made.id, timeout=0)
    attempt = begin(write, made)
    write(states.complete, made.id, attempt, None)
    assert call("jobs.wait", made.id).status == "COMPLETED"


def test_waiting_for_a_job_that_fails_raises_its_reason(call: Both, write: Write, made: Job) -> None:
    write(states.fail, made.id, begin(write, made), "the judge went home")
    with pytest.raises(TropismError, match="the judge went home"):
        call("jobs.wait", made.id)
    failed = call("jobs.get", made.id)
    assert [stage.status for stage in failed.stages] == ["PENDING", "FAILED"]


def test_cancel(call: Both, write: Write, made: Job) -> None:
    attempt = begin(write, made)
    assert call("jobs.cancel", made.id).status == "CANCELED"
    with pytest.raises(states.Stopped):
        write(states.advance, made.id, attempt, "count", 1)


def test_a_watch_does_not_hold_up_a_server_that_stops(tmp_path: Path) -> None:
    running = run_server(data=tmp_path)
    server = running.__enter__()
    with Tropism(server.base_url, server.api_key) as client, asyncio.Runner() as runner:
        client.use_cases.create("counting")
        watched = iter(client.jobs.watch(runner.run(_enqueued(tmp_path)).id))
        assert next(watched).status == "PENDING"
        stopper = threading.Thread(target=running.__exit__, args=(None, None, None))
        stopper.start()
        with pytest.raises(APIConnectionError, match="ended before"):
            next(watched)
        stopper.join()


async def _enqueued(data: Path) -> Job:
    database = Database(database_of(data), Clock(), snapshot.load, snapshot.version)
    await database.open()
    try:
        return await database.write(SYSTEM, count_in("counting", capability="of-the-test"))
    finally:
        await database.close()
