"""Engines and workers that share a database and a bucket alone serve the same models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.apart import Deployment, deployment
from tests.e2e.process import ADMIN_KEY
from tests.e2e.test_several import eventually
from tests.weights import tiny
from tests.weights.hub import Repository, SmallHub, run_hub

from tropism import Tropism

NAME = "acme/tiny"
QUESTION: Any = [{"role": "user", "content": "Hello"}]
SECONDS = 300.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallHub]:
    with run_hub() as hub:
        hub.repositories = {NAME: Repository(tiny.make_folder(tmp_path_factory.mktemp("tiny"), parts=2))}
        yield hub


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path) as made:
        yield made


def answer(client: Tropism, model: str) -> str:
    client.models.attach(model, wait=True, use_case="default")
    said = client.chat.create(QUESTION, model=model, temperature=0, max_tokens=8, use_case="default")
    return said.choices[0].message.content


def brought(apart: Deployment, hub: SmallHub, client: Tropism, key: str) -> str:
    """A model that a worker on a machine of its own has brought; the id of its job."""
    apart.worker("worker", "--pool", "bring", HF_ENDPOINT=hub.url)
    assert eventually(lambda: "bring" in [pool.key for pool in client.compute_pools.list()])
    job = client.models.add_hf_model(NAME, key, compute_pool="bring")
    done = client.jobs.wait(job, timeout=SECONDS)
    assert [stage.status for stage in done.stages] == ["COMPLETED"] * 7
    return str(done.id)


def test_what_a_worker_brings_is_served_by_engines_that_never_saw_it(apart: Deployment, hub: SmallHub) -> None:
    first = apart.engine("first")
    with Tropism(first.ready(), ADMIN_KEY) as client:
        id = brought(apart, hub, client, "tiny")
        served = f"models/{id}/model.gguf"
        kept = sorted(name.rpartition(".")[0] for name in apart.stored())
        assert kept == sorted([served, *(f"models/{id}/source/{name}" for name in hub.repositories[NAME].files())])
        assert not (apart.data("first") / served).exists()
        said = answer(client, "tiny")
    made = (apart.data("worker") / served).read_bytes()
    assert (apart.data("first") / served).read_bytes() == made
    assert first.stop() == 0
    second = apart.engine("second")
    with Tropism(second.ready(), ADMIN_KEY) as client:
        assert answer(client, "tiny") == said
    assert (apart.data("second") / served).read_bytes() == made
    assert not list((apart.data("second") / "fetching").glob("*.part"))
