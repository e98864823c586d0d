"""Engines and workers that share a database and a bucket alone serve the same models."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.apart import STORAGE, Deployment, deployment
from tests.e2e.process import ADMIN_KEY
from tests.e2e.test_several import eventually
from tests.engines.test_llama_adapters import write_adapter
from tests.jobs.conftest import count_in
from tests.jobs.test_stored_files import put
from tests.weights import tiny
from tests.weights.hub import Repository, SmallHub, run_hub

from tropism import Tropism
from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.models import service
from tropism.server.domains.models.service import Trained
from tropism.server.identity.principal import SYSTEM
from tropism.server.settings import Settings
from tropism.testing.database import POSTGRES

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


@pytest.fixture
def together(apart: Deployment) -> Deployment:
    """One whose engines run at the same time."""
    if POSTGRES not in os.environ:
        pytest.skip("needs PostgreSQL: make test-postgres")
    return apart


def answer(client: Tropism, model: str) -> str:
    client.models.attach(model, wait=True, use_case="default")
    said = client.chat.create(QUESTION, model=model, temperature=0, max_tokens=8, use_case="default")
    return said.choices[0].message.content


def brought(apart: Deployment, hub: SmallHub, client: Tropism, key: str) -> str:
    """A model that a worker on a machine of its own has brought; the id of its job."""
    apart.worker("worker", "--pool", "bring", HF_ENDPOINT=hub.url, TROPISM_EGRESS_ALLOW="loopback")
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


async def give_adapter(apart: Deployment, file: Path, base: str, key: str) -> None:
    """What a worker on a machine of its own does at the end of a training."""
    settings = Settings(data=apart.data("trainer"), storage=STORAGE)
    database = Database(apart.environment["TROPISM_DATABASE"], Clock(), snapshot.load, snapshot.version)
    await database.open()
    job = await database.write(SYSTEM, count_in("default", capability="none that works here"))
    await put(database, settings, path := f"training/{job.id}/train/adapter.gguf", file.read_bytes())
    row = await database.read(SYSTEM, service.find, base)
    made = Trained(
        key=key, name=key, path=Path(path), job_id=job.id, base_id=row.id, config=row.compute_config, size=None
    )
    await database.write(SYSTEM, service.add_trained, made)
    await database.close()


def test_an_adapter_of_another_machine_is_fetched_beside_its_base(
    apart: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in apart.environment.items():
        monkeypatch.setenv(name, value)
    base = "smollm2-135m-instruct"
    engine = apart.engine("first", TROPISM_BUNDLED_MODELS="1")
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        before = answer(client, base)
        asyncio.run(give_adapter(apart, write_adapter(tmp_path / "1.gguf", 1), base, "child"))
        assert answer(client, "child") != before
        assert answer(client, base) == before
    assert len(list(apart.data("first").glob("training/*/train/adapter.gguf"))) == 1


def test_an_engine_with_another_master_key_says_so(apart: Deployment) -> None:
    first = apart.engine("first")
    first.ready()
    assert first.stop() == 0
    assert "TROPISM_SECRET_KEY" not in first.said()
    second = apart.engine("second", TROPISM_SECRET_KEY="")
    second.ready()
    assert second.stop() == 0
    assert "engines on one database need the same TROPISM_SECRET_KEY" in second.said()


def test_engines_that_run_together_serve_a_model_that_one_of_them_was_given(
    together: Deployment, tmp_path: Path
) -> None:
    urls = [together.engine(name).ready() for name in ("first", "second")]
    with Tropism(urls[0], ADMIN_KEY) as one, Tropism(urls[1], ADMIN_KEY) as other:
        one.jobs.wait(one.models.add_local(tiny.make_gguf(tmp_path / "given"), "given"), timeout=SECONDS)
        said = answer(one, "given")
        assert answer(other, "given") == said


def test_each_part_of_an_upload_may_come_to_another_engine(together: Deployment, tmp_path: Path) -> None:
    lines = [json.dumps({"prompt": str(number), "completion": "x" * 400_000}) + "\n" for number in range(50)]
    data = "".join(lines).encode()
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    engines = [httpx2.Client(base_url=together.engine(name).ready(), headers=headers, timeout=60) for name in "ab"]
    asked = {"key": "k", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    upload = engines[0].post("/api/v1/use_cases/default/dataset_uploads", json=asked).json()
    offset, turns = 0, itertools.cycle(engines)
    while offset < len(data):
        part = data[offset : offset + upload["part_bytes"]]
        sent = next(turns).put(f"/api/v1/dataset_uploads/{upload['id']}", params={"offset": offset}, content=part)
        assert sent.status_code == 200, sent.text
        offset = sent.json()["offset"]
    assert (
        next(turns).put(f"/api/v1/dataset_uploads/{upload['id']}", params={"offset": 5}, content=b"x").status_code
        == 409
    )
    with ThreadPoolExecutor() as at_once:
        answers = list(at_once.map(lambda one: one.post(f"/api/v1/dataset_uploads/{upload['id']}/complete"), engines))
    assert [each.status_code for each in answers] == [200, 200], [each.text for each in answers]
    done, same = (each.json() for each in answers)
    assert done["dataset"]["lines"] == 50
    assert done["dataset"] == same["dataset"]
    assert [name for name in together.stored() if not name.startswith(done["dataset"]["id"])] == []
    for each in engines:
        each.close()
