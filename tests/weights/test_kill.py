"""Whatever is killed in the middle of a download: the job goes on with what has arrived, and makes one model."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from tests.e2e.process import ADMIN_KEY, served

import tropism
from tropism import Tropism
from tropism.testing import run_server

from .conftest import SECONDS, TOKEN
from .hub import Repository, SmallHub

LARGE = "acme/large"


@pytest.fixture
def slow(hub: SmallHub, large: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A private model of 25 MiB that takes ten seconds."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    hub.requests.clear()
    hub.sent = 0
    hub.repositories = {LARGE: Repository(large, token=TOKEN, pause=0.1)}
    return hub.repositories[LARGE]


def worker_of(data: Path) -> int:
    """The process that does the jobs of this data directory: it holds the lock."""
    lock = (data / "worker.lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].endswith(f":{lock}") and "->" not in fields:
            return int(fields[4])
    raise AssertionError("no worker holds the lock")


def until_there_is(data: Path, size: int) -> None:
    """Wait until so many bytes have arrived."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if sum(part.stat().st_size for part in data.glob("models/*/source/*.part")) >= size:
            return
        time.sleep(0.05)
    raise AssertionError("nothing arrived")


def later_ranges(hub: SmallHub) -> list[str | None]:
    return [each.range for each in hub.requests if each.path.startswith("/cdn/")]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="the worker is found by its lock")
def test_a_killed_worker_goes_on_with_what_has_arrived(hub: SmallHub, slow: Repository, tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        id = client.models.add_hf_model(LARGE, "large", TOKEN)
        until_there_is(tmp_path, 10 * 2**20)
        os.kill(worker_of(tmp_path), signal.SIGKILL)
        done = client.jobs.wait(id, timeout=SECONDS)
        assert (done.attempt, done.result) == (2, {"model": "large"})
        assert later_ranges(hub) == [None, f"bytes={10 * 2**20}-"]
        assert len([model for model in client.models.list() if model.key.startswith("large")]) == 1
        client.models.attach("large", wait=True, use_case="default")


def test_a_killed_engine_goes_on_when_it_is_back(hub: SmallHub, slow: Repository, tmp_path: Path) -> None:
    with served(tmp_path, "--port", "0") as engine, Tropism(engine.ready(), ADMIN_KEY) as client:
        id = client.models.add_hf_model(LARGE, "large", TOKEN)
        until_there_is(tmp_path, 10 * 2**20)
        engine.kill()
    with served(tmp_path, "--port", "0") as engine, Tropism(engine.ready(), ADMIN_KEY) as client:
        assert client.jobs.wait(id, timeout=SECONDS).result == {"model": "large"}
        assert later_ranges(hub)[-1] == f"bytes={10 * 2**20}-"
        assert engine.stop() == 0
        assert TOKEN not in engine.said()


def test_who_tries_again_goes_on_with_what_a_failed_job_left(hub: SmallHub, slow: Repository, tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        slow.breaks = [11 * 2**20]
        id = client.models.add_hf_model(LARGE, "first", TOKEN)
        until_there_is(tmp_path, 10 * 2**20)
        slow.status = [418]
        with pytest.raises(tropism.TropismError, match="answered with status 418"):
            client.jobs.wait(id, timeout=SECONDS)
        slow.status.clear()
        done = client.jobs.wait(client.models.add_hf_model(LARGE, "second", TOKEN), timeout=SECONDS)
        said = [line.message for line in client.jobs.logs(done.id)]
    assert any(line.startswith("goes on with the ") and line.endswith(f"that job {id} left") for line in said)
    assert later_ranges(hub)[-1] == f"bytes={10 * 2**20}-"
    assert sorted(path.name for path in (tmp_path / "models").glob("*-*-*-*-*")) == [str(done.id)]
