"""`tropism jobs`: the list, one job, its log, and following it. The test itself is the worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.jobs.conftest import count_in

from tropism import Tropism
from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.jobs import states
from tropism.server.identity.principal import SYSTEM
from tropism.testing import RunningServer
from tropism.wire.jobs import Job

from .conftest import Command


@pytest.fixture
def write(engine: RunningServer) -> Iterator[Callable[..., Any]]:
    with asyncio.Runner() as runner:

        async def opened() -> Database[snapshot.Snapshot]:
            database = Database(engine.database, Clock(), snapshot.load, snapshot.version)
            await database.open()
            return database

        database = runner.run(opened())
        yield lambda work, *arguments: runner.run(database.write(SYSTEM, work, *arguments))
        runner.run(database.close())


@pytest.fixture
def client(engine: RunningServer) -> Iterator[Tropism]:
    with Tropism(engine.base_url, engine.api_key) as client:
        yield client


@pytest.fixture
def made(write: Callable[..., Any]) -> Job:
    job: Job = write(count_in("support", capability="of-the-test"))
    return job


def test_list_get_and_cancel(tropism: Command, made: Job) -> None:
    assert str(made.id) in tropism("jobs", "list", "--json").out
    shown = tropism("jobs", "list")
    assert "PENDING" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "prepare: PENDING" in tropism("jobs", "get", made.id).out
    assert tropism("jobs", "cancel", made.id, "--json").json["status"] == "CANCELED"


def test_watch_tells_each_change_and_the_end(
    tropism: Command, client: Tropism, write: Callable[..., Any], made: Job
) -> None:
    attempt = write(states.begin, made.id).attempt
    write(states.begin_stage, made.id, attempt, "count", 4)
    write(states.advance, made.id, attempt, "count", 3)
    write(states.note, made.id, attempt, "warning", "a [red]strange[/] thing")
    end = threading.Timer(5.0, client.jobs.cancel, (made.id,))  # a command would take what `watch` prints
    end.start()
    watched = tropism("jobs", "watch", made.id)
    end.join()
    assert watched.code == 1, "only a completed job is a success"
    assert "count 3/4" in watched.err
    assert "CANCELED" in watched.out
    assert "a [red]strange[/] thing" in tropism("jobs", "logs", made.id).out


def test_no_such_job(tropism: Command) -> None:
    ran = tropism("jobs", "watch", uuid4())
    assert ran.code == 1
    assert "jobs.list()" in ran.err
