"""Children that are adapters answer on the engine of their base, and come and go while others are asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.engines.test_llama_adapters import write_adapter
from tests.jobs.conftest import count_in

from tropism import Tropism
from tropism.sdk.errors import APIStatusError, TropismError
from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.models import service
from tropism.server.domains.models.service import Trained
from tropism.server.identity.principal import SYSTEM
from tropism.testing import RunningServer, run_server
from tropism.testing.database import database_of

BASE = "smollm2-135m-instruct"
QUESTION: Any = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The bundled model with two children, `one` and `two`, that were never trained but answer differently."""
    folder = tmp_path_factory.mktemp("serving")
    with run_server(echo_models=(), bundled_models=True, data=folder / "data") as server:
        with Tropism(server.base_url, server.api_key) as client:
            client.models.attach(BASE, wait=True, use_case="default")
        files = {"one": write_adapter(folder / "1.gguf", 1), "two": write_adapter(folder / "2.gguf", 2)}
        asyncio.run(register(server.data, files))
        yield server


@pytest.fixture
def asking(engine: RunningServer) -> Iterator[Tropism]:
    with Tropism(engine.base_url, engine.api_key) as client:
        client.set_default_use_case("default")
        yield client


async def register(data: Path, files: dict[str, Path]) -> None:
    """What a worker does at the end of a training."""
    database = Database(database_of(data), Clock(), snapshot.load, snapshot.version)
    await database.open()
    base = await database.read(SYSTEM, service.find, BASE)
    for key, path in files.items():
        job = await database.write(SYSTEM, count_in("default", capability="none that works here"))
        made = Trained(
            key=key, name=key, path=path, job_id=job.id, base_id=base.id, config=base.compute_config, size=None
        )
        await database.write(SYSTEM, service.add_trained, made)
    await database.close()


def answer(client: Tropism, model: str) -> str:
    return client.chat.create(QUESTION, model=model, temperature=0, max_tokens=5).choices[0].message.content


def test_adapters_come_and_go_while_others_answer(asking: Tropism) -> None:
    base = answer(asking, BASE)
    over, said = threading.Event(), set()

    def keep_asking() -> int:
        times = 0
        while not over.is_set():
            said.add(answer(asking, BASE))
            times += 1
        return times

    with ThreadPoolExecutor() as threads:
        asked = threads.submit(keep_asking)
        try:
            asking.models.attach("one", wait=True)
            one = answer(asking, "one")
            asking.models.attach("two", wait=True)
            two = answer(asking, "two")
            assert answer(asking, "one") == one
            asking.models.terminate("one", force=True)
            assert answer(asking, "two") == two, "its place in the engine is another one now"
        finally:
            over.set()
        assert asked.result() > 0
    assert said == {base}, "no request failed, and none was answered by an adapter"
    assert len({base, one, two}) == 3


def test_an_adapter_says_what_it_stands_on(asking: Tropism) -> None:
    model = asking.models.get("two")
    assert (model.is_adapter, model.backbone, model.trainable) == (True, BASE, True)
    assert model.training_job


def test_a_terminated_adapter_is_refused_until_it_is_deployed(asking: Tropism) -> None:
    asking.models.attach("one", wait=True)
    one = answer(asking, "one")
    asking.models.terminate("one", force=True)
    assert asking.models.get("one").online == "OFFLINE"
    with pytest.raises(APIStatusError, match=r"models.deploy\('one'\)"):
        answer(asking, "one")
    asking.models.deploy("one", wait=True)
    assert answer(asking, "one") == one


def test_nothing_stands_on_an_adapter_but_its_children(asking: Tropism) -> None:
    with pytest.raises(TropismError, match=f"an adapter itself; take '{BASE}'"):
        asking.models.add_variant("two", "two-polite", system_prompt="Be polite.")


def test_a_lost_file_takes_down_its_adapter_alone(asking: Tropism, engine: RunningServer) -> None:
    asking.models.attach("two", wait=True)
    base = answer(asking, BASE)
    (engine.data.parent / "2.gguf").unlink()
    asking.models.terminate("one", force=True)
    assert answer(asking, BASE) == base
    asking.models.deploy("one", wait=True)
    with pytest.raises(APIStatusError, match=r"file '2\.gguf' is gone"):
        answer(asking, "two")
    assert answer(asking, BASE) == base
