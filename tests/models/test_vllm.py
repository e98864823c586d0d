"""Models on vLLM through the API: by compute config, deployed and attached like any other, adapters as they come."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines.test_vllm import adapter, runs
from tests.engines.test_vllm_elsewhere import KEY, Elsewhere
from tests.engines.vllm_stand_in import as_program
from tests.jobs.conftest import count_in
from tests.weights import tiny

import tropism
from tropism import Tropism
from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.models import service
from tropism.server.domains.models.service import Trained
from tropism.server.identity.principal import SYSTEM
from tropism.testing import RunningServer, run_server

ON_VLLM: dict[str, Any] = {"engine": "vllm", "max_seq_len": 256, "kv_cache_len": 1024, "tp": 2}
QUESTION: Any = [{"role": "user", "content": "hello there"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_folder(tmp_path_factory.mktemp("tiny") / "weights")


@pytest.fixture(scope="module")
def engine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that has the stand-in for vLLM, and the model `tiny` on it, attached to the use case `default`."""
    there = tmp_path_factory.mktemp("vllm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{as_program(there).parent}:{os.environ['PATH']}")
        with run_server(data=there / "data") as server, Tropism(server.base_url, server.api_key) as client:
            client.jobs.wait(client.models.add_local(folder, "tiny"), timeout=120)
            client.models.update_compute_config("tiny", ON_VLLM)
            client.models.attach("tiny", wait=True, make_default=True, use_case="default")
            yield server


@pytest.fixture
def asking(engine: RunningServer) -> Iterator[Tropism]:
    with Tropism(engine.base_url, engine.api_key) as client:
        client.set_default_use_case("default")
        yield client


def answer(client: Tropism, model: str | None = None) -> str:
    return client.chat.create(QUESTION, model=model).choices[0].message.content


def answer_after_all(client: Tropism, model: str) -> str:
    """The answer of a model whose engine has just been killed, which may fail the first requests."""
    for _ in range(100):
        try:
            return answer(client, model)
        except tropism.InternalServerError:
            time.sleep(0.1)
    raise TimeoutError


def started(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "started.json").read_text())
    return told


def child(server: RunningServer, key: str, file: Path, base: str = "tiny") -> None:
    """What a worker does at the end of a training."""

    async def register() -> None:
        database = Database(server.database, Clock(), snapshot.load, snapshot.version)
        await database.open()
        row = await database.read(SYSTEM, service.find, base)
        job = await database.write(SYSTEM, count_in("default", capability="none that works here"))
        made = Trained(key=key, name=key, path=file, job_id=job.id, base_id=row.id, config={}, size=None)
        await database.write(SYSTEM, service.add_trained, made)
        await database.close()

    asyncio.run(register())


def test_a_model_is_on_vllm_by_its_compute_config(asking: Tropism, folder: Path) -> None:
    assert answer(asking) == "base hello there"
    words = started(folder)["argv"]
    options = dict(zip(words, words[1:], strict=False))
    assert words[0] == str(folder)
    assert (options["--tensor-parallel-size"], options["--max-model-len"]) == ("2", "256")
    found = asking.models.get("tiny").compute_config
    assert (found.engine, found.tp, found.max_seq_len, found.kv_cache_len) == ("vllm", 2, 256, 1024)


def test_an_answer_is_logged_with_the_tokens_that_vllm_counted(asking: Tropism) -> None:
    chunks = list(asking.chat.create(QUESTION, stream=True))
    logged = asking.interactions.get(chunks[0].choices[0].completion_id)
    assert (logged.completion, logged.model) == ("base hello there", "tiny")
    assert logged.usage
    assert (logged.usage.prompt_tokens, logged.usage.completion_tokens) == (2, 3)


def test_adapters_are_attached_while_the_base_goes_on(asking: Tropism, engine: RunningServer, folder: Path) -> None:
    core = started(folder)["core"]
    for key in ("one", "two"):
        child(engine, key, adapter(engine.data.parent, key))
        assert asking.models.attach(key, wait=True).online == "ONLINE"
    assert [answer(asking, key) for key in ("one", "two", "tiny")] == [
        "one hello there",
        "two hello there",
        "base hello there",
    ]
    asking.models.terminate("one", force=True)
    assert answer(asking, "two") == "two hello there"
    with pytest.raises(tropism.APIStatusError, match=r"models\.deploy\('one'\)"):
        answer(asking, "one")
    assert asking.models.deploy("one", wait=True).online == "ONLINE"
    assert answer(asking, "one") == "one hello there"
    assert started(folder)["core"] == core, "vLLM was never started anew"
    assert runs(core)


def test_a_refused_adapter_says_why_and_is_tried_again(asking: Tropism, engine: RunningServer) -> None:
    child(engine, "wide", adapter(engine.data.parent, "wide", rank=128))
    with pytest.raises(tropism.TropismError, match="LoRA rank 128 is greater than max_lora_rank 64"):
        asking.models.attach("wide", wait=True)
    found = asking.models.get("wide")
    assert (found.online, found.backbone) == ("ERROR", "tiny")
    assert asking.models.get("tiny").online == "ONLINE"
    with pytest.raises(tropism.APIStatusError, match="LoRA rank 128"):
        answer(asking, "wide")
    adapter(engine.data.parent, "wide", rank=8)
    assert asking.models.deploy("wide", wait=True).error is None
    assert answer(asking, "wide") == "wide hello there"


def test_a_killed_vllm_comes_back_with_its_adapters(asking: Tropism, engine: RunningServer, folder: Path) -> None:
    child(engine, "survivor", adapter(engine.data.parent, "survivor"))
    asking.models.attach("survivor", wait=True)
    before = started(folder)["core"]
    os.killpg(os.getpgid(before), signal.SIGKILL)
    assert answer_after_all(asking, "survivor") == "survivor hello there"
    assert started(folder)["core"] != before
    assert not runs(before)


def test_a_model_goes_back_to_llama_cpp(asking: Tropism, tmp_path: Path) -> None:
    folder = tiny.make_folder(tmp_path / "both")
    asking.jobs.wait(asking.models.add_local(folder, "both"), timeout=120)
    asking.models.update_compute_config("both", ON_VLLM)
    asking.models.attach("both", wait=True)
    assert answer(asking, "both") == "base hello there"
    asking.models.update_compute_config("both", {"max_seq_len": 256})
    asking.models.deploy("both", wait=True)
    assert "hello there" not in answer(asking, "both")
    assert asking.models.get("both").compute_config.engine is None
    assert not runs(started(folder)["core"])
    asking.models.update_compute_config("both", ON_VLLM)
    asking.models.deploy("both", wait=True)
    assert answer(asking, "both") == "base hello there"


def test_a_server_elsewhere_is_used_with_its_key(
    asking: Tropism, engine: RunningServer, folder: Path, tmp_path: Path
) -> None:
    asking.jobs.wait(asking.models.add_local(folder, "far"), timeout=120)
    there = Elsewhere(tmp_path)
    there.start("--served-model-name", "llama", "qwen")
    config = {"engine": "vllm", "url": f"http://127.0.0.1:{there.port}", "served_name": "qwen", "max_seq_len": 256}
    changed = asking.models.update_compute_config("far", config, api_key=KEY)
    asking.models.attach("far", wait=True)
    assert answer(asking, "far") == "qwen hello there"
    assert KEY not in str(changed)
    asking.models.update_compute_config("far", config | {"kv_cache_len": 512})  # which keeps the key
    asking.models.deploy("far", wait=True)
    assert answer(asking, "far") == "qwen hello there"
    elsewhere = config | {"url": f"http://localhost:{there.port}"}
    asking.models.update_compute_config("far", elsewhere)
    with pytest.raises(tropism.TropismError, match="refused the API key"):
        asking.models.deploy("far", wait=True)
    there.stop()


@pytest.mark.parametrize(
    ("model", "config", "key", "why"),
    [
        ("echo", {"engine": "vllm"}, None, "'echo' has no files here that vllm could run"),
        ("tiny", {"url": "http://127.0.0.1:8000"}, None, 'add engine="vllm"'),
        ("tiny", {"engine": "llama_cpp", "served_name": "x"}, None, 'add engine="vllm"'),
        ("tiny", {"engine": "vllm", "url": "ftp://x"}, None, "no URL such as"),
        ("tiny", {"engine": "vllm", "url": "http://169.254.169.254"}, None, "`url` is not allowed"),
        ("tiny", {"engine": "vllm"}, "sk-1", "`api_key` is that of a vLLM server, whose `url` is missing"),
        ("gguf", {"engine": "vllm"}, None, "of 'gguf' there is a GGUF file only; give the `url`"),
    ],
)
def test_what_cannot_be_is_refused(
    asking: Tropism, tmp_path: Path, model: str, config: dict[str, Any], key: str | None, why: str
) -> None:
    if model == "gguf":
        asking.jobs.wait(asking.models.add_local(tiny.make_gguf(tmp_path), "gguf"), timeout=120)
    before = asking.models.get(model)
    with pytest.raises(tropism.UnprocessableEntityError, match=None) as caught:
        asking.models.update_compute_config(model, config, api_key=key)
    assert why in str(caught.value)
    assert asking.models.get(model) == before


def test_a_server_that_stops_leaves_no_vllm(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_VLLM", str(as_program(tmp_path)))
    monkeypatch.setenv("TROPISM_VLLM_ARGS", "-pp 2")
    with run_server(data=tmp_path / "data") as server, Tropism(server.base_url, server.api_key) as client:
        client.jobs.wait(client.models.add_local(folder, "mine"), timeout=120)
        client.models.update_compute_config("mine", {"engine": "vllm"})
        client.models.deploy("mine", wait=True)
        told = started(folder)
        assert runs(told["core"])
    assert told["argv"][-2:] == ["-pp", "2"]
    assert not runs(told["core"])
