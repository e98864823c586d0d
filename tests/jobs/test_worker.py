"""Workers as real processes: they do a job once, whatever kills them, and stop when they are told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.jobs.conftest import MakeJob
from tests.torture.clock import SetClock

from tropism.server.database.connect import Database
from tropism.server.domains.compute_pools import service as compute_pools
from tropism.server.domains.jobs import service
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import Snapshot
from tropism.wire.jobs import Job, JobLogsFilter, JobReference

Data = Database[Snapshot]
SCRIPT = Path(__file__).parent / "counting_worker.py"


async def start(data: Path, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), str(data), *arguments),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )


async def run(data: Path, *arguments: str) -> int:
    return await (await start(data, *arguments)).wait()


async def seen(database: Data, made: Job) -> Job:
    return await database.read(SYSTEM, service.view, made.id)


async def until_running(database: Data, made: Job) -> None:
    while (await seen(database, made)).stages[1].processed == 0:
        await asyncio.sleep(0.05)


async def stand_still(worker: asyncio.subprocess.Process, database: Data) -> None:
    """Stop it, but not within a write, for which every other one would wait."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(1):
                return await database.write(SYSTEM, lambda transaction: None)
        except TimeoutError:
            worker.send_signal(signal.SIGCONT)


def steps(data: Path, made: Job) -> list[int]:
    """The steps of the job that were begun, in order."""
    lines = (data / "steps").read_text().splitlines()
    return [int(line.split()[2]) for line in lines if line.startswith(str(made.id))]


async def test_a_job_goes_on_where_its_worker_was_killed(database: Data, make_job: MakeJob, tmp_path: Path) -> None:
    made = await make_job(to=10)
    assert await run(tmp_path, "die") == -signal.SIGKILL
    assert (await seen(database, made)).stages[1].processed == 5
    assert await run(tmp_path) == 0
    done = await seen(database, made)
    assert (done.status, done.attempt, done.result) == ("COMPLETED", 2, {"counted": 10})
    assert steps(tmp_path, made) == list(range(10)), "no step that was stored is done again"
    notes = (await database.read(SYSTEM, service.logs, JobLogsFilter(job=made.id))).lines
    assert [note.level for note in notes] == ["warning", "info"]


async def test_another_worker_takes_over_what_a_dead_one_held(
    database: Data, make_job: MakeJob, tmp_path: Path
) -> None:
    made = await make_job(to=10)
    assert await run(tmp_path, "die", "default/one") == -signal.SIGKILL
    assert await run(tmp_path, "", "default/two") == 0
    done = await seen(database, made)
    assert (done.status, done.attempt) == ("COMPLETED", 2)
    assert steps(tmp_path, made) == list(range(10)), "no step that was stored is done again"


async def test_a_worker_leaves_alone_what_a_living_one_holds(database: Data, make_job: MakeJob, tmp_path: Path) -> None:
    made = await make_job(to=400)
    first = await start(tmp_path, "", "default/one")
    await until_running(database, made)
    second = await start(tmp_path, "", "default/two")
    assert await first.wait() == 0
    assert await second.wait() == 0
    assert (await seen(database, made)).attempt == 1
    assert steps(tmp_path, made) == list(range(400))


async def test_another_worker_takes_over_from_one_that_stands_still(
    database: Data, make_job: MakeJob, tmp_path: Path
) -> None:
    """It is not dead and does not know that it is given up: when it goes on, it stores nothing more."""
    made = await make_job(to=400)
    first = await start(tmp_path, "", "default/one")
    await until_running(database, made)
    await stand_still(first, database)
    second = await start(tmp_path, "", "default/two")
    while (await seen(database, made)).attempt == 1:
        await asyncio.sleep(0.1)
    first.send_signal(signal.SIGCONT)
    assert await second.wait() == 0
    assert await first.wait() == 0
    done = await seen(database, made)
    assert (done.status, done.stages[1].processed) == ("COMPLETED", 400)
    # What it ends looks to the job engine like the end of the job, which may then be begun once more.
    assert done.attempt <= 3
    again = Counter(steps(tmp_path, made)).total() - 400
    assert again <= 2 * (done.attempt - 1), "only the steps in flight are begun again"


async def test_a_clock_that_jumps_takes_no_job_from_its_worker(
    database: Data, make_job: MakeJob, tmp_path: Path
) -> None:
    made, clock = await make_job(to=800), SetClock(tmp_path)
    first = await start(tmp_path, "", "default/one", **clock.environment)
    await until_running(database, made)
    second = await start(tmp_path, "", "default/two", **clock.environment)
    while len(await database.read(SYSTEM, compute_pools.signs, "default")) < 2:
        await asyncio.sleep(0.05)
    for hours in (2, 4, -3, 1, 3, 0):
        clock.set(hours * 3600)
        await asyncio.sleep(0.8)
    assert await first.wait() == 0
    assert await second.wait() == 0
    done = await seen(database, made)
    assert (done.status, done.attempt) == ("COMPLETED", 1)
    assert steps(tmp_path, made) == list(range(800))


async def test_the_loss_of_the_job_engines_file_loses_no_job(database: Data, make_job: MakeJob, tmp_path: Path) -> None:
    made = await make_job(to=4)
    await run(tmp_path, "die")
    for file in tmp_path.glob("jobs.db*"):
        file.unlink()
    assert await run(tmp_path) == 0
    assert (await seen(database, made)).status == "COMPLETED"
    assert steps(tmp_path, made) == list(range(4))


async def test_a_worker_that_is_told_to_stop_hands_its_job_back(
    database: Data, make_job: MakeJob, tmp_path: Path
) -> None:
    made = await make_job(to=200)
    worker = await start(tmp_path)
    await until_running(database, made)
    worker.terminate()
    assert await worker.wait() == 0
    handed_back = await seen(database, made)
    assert handed_back.status == "PENDING"
    assert await run(tmp_path) == 0
    assert (await seen(database, made)).status == "COMPLETED"
    again = [step for step, times in Counter(steps(tmp_path, made)).items() if times > 1]
    assert again in ([], [handed_back.stages[1].processed]), "at most the step in flight is done again"


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("fail", "it cannot be counted"),
        ("break", "an error on our side (ZeroDivisionError: by nought)"),
        ("hang", "it came no further for 2 seconds"),
    ],
)
async def test_a_job_that_cannot_go_on_fails_with_the_reason(
    database: Data, make_job: MakeJob, tmp_path: Path, trouble: str, reason: str
) -> None:
    made = await make_job()
    assert await run(tmp_path, trouble) == 0
    failed = await seen(database, made)
    assert failed.status == "FAILED"
    assert reason in (failed.error or "")
    assert failed.stages[1].processed == 1, "what was done stays"


async def test_cancel_reaches_the_worker(database: Data, make_job: MakeJob, tmp_path: Path) -> None:
    made, other = await make_job(to=10_000), await make_job(to=3)
    worker = await start(tmp_path)
    await until_running(database, made)
    await database.write(SYSTEM, service.cancel, JobReference(job=made.id))
    assert await worker.wait() == 0, "with nothing left to do, it ends"
    assert (await seen(database, made)).status == "CANCELED"
    assert (await seen(database, other)).status == "COMPLETED"
    assert len(steps(tmp_path, made)) < 1_000
