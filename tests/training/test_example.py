"""The example that trains does what it says. Needs the extra `train`."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.training.conftest import BASE

from tropism import Tropism
from tropism.testing import RunningServer

pytestmark = pytest.mark.train

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_and_promote.py"


def default(client: Tropism) -> str:
    services = client.use_cases.get().model_services
    return next(service.model.key for service in services if service.is_default)


def test_a_child_is_promoted_and_rolled_back(tiny_engine: RunningServer) -> None:
    with Tropism(tiny_engine.base_url, tiny_engine.api_key) as client:
        client.use_cases.create("better-model")
        client.set_default_use_case("better-model")
        client.models.attach(BASE, wait=True, make_default=True)
        example = runpy.run_path(str(EXAMPLE))
        child = example["improve"](client, BASE, learning_rate=1e-2, num_epochs=40)
        assert default(client) == child
        example["roll_back"](client, BASE, child)
        assert default(client) == BASE
        assert child not in {service.model.key for service in client.use_cases.get().model_services}
        assert client.models.get(child).backbone == BASE
