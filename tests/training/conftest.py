"""A local model that could be trained, and a config of a training that makes sense."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.weights import tiny

from tropism import Tropism
from tropism.testing import RunningServer, run_server

BUNDLED = "smollm2-135m-instruct"
BASE = "tiny"
SECONDS = 120.0
Config = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def bundled() -> Iterator[Tropism]:
    """A client of a server with the bundled model, which is converted for trainers once."""
    with run_server(echo_models=(), bundled_models=True) as server, Tropism(server.base_url, server.api_key) as client:
        yield client


@pytest.fixture(scope="session")
def tiny_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a model of random weights, which is converted for trainers once. Needs the extra `train`."""
    from tests.trainers import tiny as weights
    from tests.trainers import tiny_gguf

    folder = tmp_path_factory.mktemp("training")
    base = tiny_gguf.make_gguf(weights.make_model(folder / "tiny"), folder)
    with run_server(data=folder / "data") as server, Tropism(server.base_url, server.api_key) as client:
        client.jobs.wait(client.models.add_local(base, BASE), timeout=SECONDS)
        client.models.update_compute_config(BASE, {"max_seq_len": 256})
        client.models.attach(BASE, wait=True, make_default=True, use_case="default")
        yield server


@pytest.fixture(scope="session")
def local(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registered model of random weights."""
    file, key = tiny.make_gguf(tmp_path_factory.mktemp("small")), f"small-{uuid4().hex[:8]}"
    with Tropism(server.base_url, server.api_key) as client:
        client.jobs.wait(client.models.add_local(file, key), timeout=SECONDS)
    return key


@pytest.fixture
def logged(client: Tropism, use_case: str) -> list[str]:
    """Ids of completions, each with a value of both keys; the same prompt was answered twice and compared."""
    ids = []
    for number in range(4):
        made = client.interactions.create(
            completion=f"Answer {number}",
            messages=[{"role": "user", "content": f"Question {number // 2}"}],
            feedbacks=[
                {"feedback_key": f"{use_case}-stars", "value": number},
                {"feedback_key": f"{use_case}-thumbs", "value": number % 2},
            ],
            use_case=use_case,
        )
        ids.append(str(made.completion_id))
    for better, worse in ((1, 0), (3, 2)):
        client.feedback.log_preference(f"{use_case}-stars", ids[better], ids[worse], use_case=use_case)
    return ids


@pytest.fixture
def config(use_case: str) -> Config:
    """A config; give what shall be different."""

    def make(
        method: str = "SFT",
        objective: dict[str, Any] | None = None,
        feedback_type: str = "DIRECT",
        datasource: dict[str, Any] | None = None,
        **metadata: Any,
    ) -> dict[str, Any]:
        if method in ("PPO", "GRPO"):
            metadata.setdefault("parameters", {method.lower(): {"steps": 2}})
        made = {
            "output_name": f"child-{uuid4().hex[:8]}",
            "training_config": {
                "training_metadata": {"alignment_method": method, **metadata},
                "training_objective": objective or {"sft": {}},
            },
            "sample_config": {"feedback_type": feedback_type, "datasource": datasource or {"completions": {}}},
        }
        return copy.deepcopy(made)

    return make
