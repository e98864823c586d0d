"""Hypothesis plays several workers, their deaths and impatient callers; a simple model says how each job stands."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.jobs.conftest import count_in
from tests.torture.machines import live

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.access import service as access
from tropism.server.domains.jobs import service, states
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.secrets import Secrets, master_key
from tropism.testing.database import database_of
from tropism.wire.jobs import Job, JobReference
from tropism.wire.use_cases import UseCaseCreate

STEPS = 40
TOTAL = 5


class Model:
    """What should be true of a job."""

    def __init__(self) -> None:
        self.status, self.attempt, self.deaths, self.done = "PENDING", 0, 0, 0
        self.workers: set[int] = set()
        """The attempts of workers that believe that the job is theirs."""

    @property
    def has_ended(self) -> bool:
        return self.status not in ("PENDING", "RUNNING")


class Work(RuleBasedStateMachine):
    """Jobs on a database of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.folder = asyncio.Runner(), Path(tempfile.mkdtemp(prefix="tropism-jobs-"))
        self.jobs: dict[UUID, Model] = {}
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.database = Database(database_of(self.folder), Clock(), snapshot.load, snapshot.version)
        await self.database.open()
        secrets = Secrets(master_key(None, self.folder / "secret.key"))
        await self.database.write(SYSTEM, access.found, secrets, "tk_of-nobody")
        await self.database.write(SYSTEM, use_cases.create, UseCaseCreate(key="counting"))

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def _write(self, work: Any, *args: Any) -> Any:
        return self.runner.run(self.database.write(SYSTEM, work, *args))

    def _is_stopped(self, work: Any, *args: Any) -> bool:
        """Whether the job takes nothing from this worker any more."""
        try:
            self._write(work, *args)
        except states.Stopped:
            return True
        return False

    def _theirs(self, data: st.DataObject) -> tuple[UUID, Model, int]:
        """A worker that believes that a job is its own."""
        pairs = sorted((id, attempt) for id, model in self.jobs.items() for attempt in model.workers)
        id, attempt = data.draw(st.sampled_from(pairs))
        return id, self.jobs[id], attempt

    @rule()
    def enqueue(self) -> None:
        made: Job = self._write(count_in("counting", to=TOTAL))
        self.jobs[made.id] = Model()

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A worker takes a job: one that waits, or one whose worker it thinks dead, rightly or not."""
        id = data.draw(st.sampled_from(sorted(self.jobs)))
        model, row = self.jobs[id], self._write(states.begin, id)
        if model.has_ended:
            assert row is None
            return
        died = model.status == "RUNNING"
        if died and model.deaths + 1 >= states.MOST_DEATHS:
            model.status = "FAILED"
            assert row is None
            return
        model.status, model.attempt, model.deaths = "RUNNING", model.attempt + 1, model.deaths + died
        model.workers.add(model.attempt)
        assert (row.attempt, row.deaths) == (model.attempt, model.deaths)

    @precondition(lambda self: any(model.workers for model in self.jobs.values()))
    @rule(data=st.data())
    def advance(self, data: st.DataObject) -> None:
        id, model, attempt = self._theirs(data)

        def step(transaction: Any) -> None:
            if not states.is_ours(transaction, id, attempt):
                raise states.Stopped
            states.begin_stage(transaction, id, attempt, "count", TOTAL)
            states.advance(transaction, id, attempt, "count", 1)

        if self._is_stopped(step):
            assert model.status != "RUNNING" or attempt != model.attempt
            model.workers.discard(attempt)
        else:
            assert (model.status, model.attempt) == ("RUNNING", attempt)
            model.done, model.deaths = model.done + 1, 0

    @precondition(lambda self: any(model.workers for model in self.jobs.values()))
    @rule(data=st.data(), how=st.sampled_from(["complete", "fail", "hand_back"]))
    def leave(self, data: st.DataObject, how: str) -> None:
        id, model, attempt = self._theirs(data)
        more: dict[str, tuple[Any, ...]] = {"complete": ({},), "fail": ("it cannot be done",), "hand_back": ()}
        stopped = self._is_stopped(getattr(states, how), id, attempt, *more[how])
        is_its = model.attempt == attempt and not model.has_ended
        if how != "fail":
            is_its = is_its and model.status == "RUNNING"
        assert stopped != is_its
        if not stopped:
            model.status = {"complete": "COMPLETED", "fail": "FAILED", "hand_back": "PENDING"}[how]
        model.workers.discard(attempt)

    @precondition(lambda self: any(model.workers for model in self.jobs.values()))
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """Nobody hears of it."""
        _, model, attempt = self._theirs(data)
        model.workers.discard(attempt)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.jobs)))
        model = self.jobs[id]
        if model.status in ("COMPLETED", "FAILED"):
            with pytest.raises(Conflict):
                self._write(service.cancel, JobReference(job=id))
        else:
            assert self._write(service.cancel, JobReference(job=id)).status == "CANCELED"
            model.status = "CANCELED"

    @invariant()
    def each_job_stands_as_it_should(self) -> None:
        for id, model in self.jobs.items():
            seen = self.runner.run(self.database.read(SYSTEM, service.view, id))
            assert (seen.status, seen.attempt, seen.stages[1].processed) == (model.status, model.attempt, model.done)
            assert (seen.ended_at is not None) == model.has_ended

    @invariant()
    def what_is_not_done_can_be_taken(self) -> None:
        waiting = self.runner.run(self.database.read(SYSTEM, states.unfinished, "default", ["evaluation"]))
        assert {each.id for each in waiting} == {id for id, model in self.jobs.items() if not model.has_ended}


def test_the_life_of_jobs(request: pytest.FixtureRequest) -> None:
    live(Work, request, STEPS)
