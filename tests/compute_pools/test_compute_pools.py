"""Pools are what their workers make them: engines, and those that `tropism worker` starts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.chat.upstream import run_upstream
from tests.compute_pools.worker import working
from tests.conftest import Both
from tests.evaluation.judge import RuleJudge

from tropism import NotFoundError, Tropism
from tropism.testing import RunningServer, run_server
from tropism.wire.compute_pools import ComputePool

SECONDS = 60.0


def eventually(check: Callable[[], object]) -> bool:
    end = time.monotonic() + SECONDS
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def pool(client: Tropism, key: str) -> ComputePool | None:
    return next((each for each in client.compute_pools.list() if each.key == key), None)


@pytest.fixture(scope="module")
def own() -> Iterator[RunningServer]:
    """An engine that thinks a worker gone after two seconds."""
    os.environ["TROPISM_WORKER_GONE_SECONDS"] = "2"
    try:
        with run_server() as server:
            yield server
    finally:
        del os.environ["TROPISM_WORKER_GONE_SECONDS"]


@pytest.fixture
def mine(own: RunningServer) -> Iterator[Tropism]:
    with Tropism(own.base_url, own.api_key) as client:
        yield client


def test_an_engine_is_the_first_worker_of_the_default_pool(call: Both, use_case: str) -> None:
    [default] = [each for each in call("compute_pools.list") if each.key == "default"]
    assert default.name == "default"
    assert default.capabilities == ["evaluation", "inference", "models", "training"]
    assert [each.machine for each in default.workers if "inference" in each.capabilities] == [os.uname().nodename]
    assert "CPU core" in default.devices[0]
    assert {"echo-a", "echo-b"} <= set(default.models_online)


def test_a_worker_makes_a_pool_and_leaves_it(own: RunningServer, mine: Tropism) -> None:
    with working(own, "--pool", "gpu", "--capabilities", "training") as process:
        assert process.stdout
        assert "does training in the pool gpu" in process.stdout.readline()
        assert eventually(lambda: pool(mine, "gpu"))
        there = pool(mine, "gpu")
        assert there
        assert (there.capabilities, len(there.workers), there.models_online) == (["training"], 1, [])
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    left = pool(mine, "gpu")
    assert left
    assert (left.workers, left.capabilities) == ([], [])


def test_a_killed_worker_is_gone_before_long(own: RunningServer, mine: Tropism) -> None:
    with working(own, "--pool", "short") as process:
        assert eventually(lambda: (there := pool(mine, "short")) and there.workers)
        process.kill()
    assert eventually(lambda: (there := pool(mine, "short")) and not there.workers)


def test_two_workers_of_one_pool_are_two(own: RunningServer, mine: Tropism) -> None:
    with working(own, "--pool", "pair"), working(own, "--pool", "pair"):
        assert eventually(lambda: (there := pool(mine, "pair")) and len(there.workers) == 2)
        there = pool(mine, "pair")
        assert there
        assert len(there.devices) == len(there.workers[0].devices), "one machine's devices are counted once"


def test_a_worker_that_cannot_work_says_why(own: RunningServer, tmp_path: Path) -> None:
    cases = [
        (["--capabilities", "cooking"], None, "a worker cannot do cooking; it can do evaluation, models, training"),
        (["--pool", "../up"], None, "'../up' is no key of a pool: letters, digits, dots, dashes and underscores"),
        ([], tmp_path / "nothing", "there is no master key: set TROPISM_SECRET_KEY"),
        (["--storage", "s4://bucket"], None, "the storage 's4://bucket' is nothing that fsspec knows"),
    ]
    for arguments, data, reason in cases:
        with working(own, *arguments, data=data) as process:
            assert process.wait(SECONDS) == 1
            assert process.stderr
            assert reason in " ".join(process.stderr.read().split())
    assert not (tmp_path / "nothing").exists()


def test_a_job_for_a_pool_that_is_not_there_says_which_are(call: Both, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(NotFoundError, match="`tropism worker --pool nowhere` makes it"):
        call("models.add_hf_model", "org/name", f"model-{tmp_path.name}", compute_pool="nowhere")


@pytest.mark.parametrize(("allowed", "status"), [("public", "FAILED"), (None, "FAILED"), ("loopback", "COMPLETED")])
def test_a_worker_reaches_its_own_loopback_only_where_its_operator_says_so(
    own: RunningServer, mine: Tropism, monkeypatch: pytest.MonkeyPatch, allowed: str | None, status: str
) -> None:
    monkeypatch.delenv("TROPISM_EGRESS_ALLOW", raising=False)
    if allowed:
        monkeypatch.setenv("TROPISM_EGRESS_ALLOW", allowed)
    name = f"far-{allowed}"
    with run_upstream() as upstream, working(own, "--pool", name, "--capabilities", "evaluation"):
        mine.use_cases.create(name)
        judge = RuleJudge(upstream).attach(mine, name)
        mine.models.attach("echo", use_case=name, wait=True)
        mine.chat.create([{"role": "user", "content": "Where is it"}], model="echo", use_case=name)
        assert eventually(lambda: pool(mine, name))
        log: Any = {"datasource": {"completions": {}}}
        job = mine.evaluation.jobs.create(log, [], judge, "answer_relevancy", compute_pool=name, use_case=name)
        assert eventually(lambda: mine.evaluation.jobs.get(job.id).status in ("FAILED", "COMPLETED"))
        ended = mine.evaluation.jobs.get(job.id)
    assert ended.status == status, ended
    assert ended.report
    assert (ended.report.summary == "No answer was scored.") == (status == "FAILED")
