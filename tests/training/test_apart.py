"""A training whose worker's machine is gone goes on, on another one, from what is in the bucket. Needs `train`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.chat.upstream import eventually
from tests.e2e.apart import Deployment, deployment
from tests.e2e.process import ADMIN_KEY
from tests.training.conftest import BASE
from tests.training.test_learn import ANSWER, GOOD, QUESTION, config

from tropism import Tropism

pytestmark = pytest.mark.train

SECONDS = 900.0


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path) as made:
        yield made


def prepare(client: Tropism, folder: Path) -> None:
    """The tiny model, and forty answers that are worth to be imitated."""
    from tests.trainers import tiny, tiny_gguf

    client.jobs.wait(client.models.add_local(tiny_gguf.make_gguf(tiny.make_model(folder / "tiny"), folder), BASE))
    client.models.update_compute_config(BASE, {"max_seq_len": 256})
    client.models.attach(BASE, wait=True, make_default=True, use_case="default")
    client.feedback.register_key("stars")
    client.feedback.link("stars", use_case="default")
    for number in range(40):
        client.interactions.create(
            completion=ANSWER,
            messages=[{"role": "user", "content": f"What is {number}?"}],
            feedbacks=[{"feedback_key": "stars", "value": 5}],
            use_case="default",
        )


def answer(client: Tropism, model: str) -> str:
    client.models.attach(model, wait=True, use_case="default")
    said = client.chat.create(QUESTION, model=model, temperature=0, max_tokens=24, use_case="default")
    return said.choices[0].message.content


def test_a_training_goes_on_on_another_machine_and_its_child_answers_on_a_third(
    apart: Deployment, tmp_path: Path
) -> None:
    engine = apart.engine("engine")
    lost = apart.worker("lost", "--pool", "gpu")
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        prepare(client, tmp_path)
        wanted = config("Survivor", "SFT", GOOD, params={"num_epochs": 10})
        eventually(lambda: "gpu" in [pool.key for pool in client.compute_pools.list()], seconds=SECONDS)
        job = client.training.jobs.create(BASE, wanted, use_case="default", compute_pool="gpu")
        eventually(lambda: bool(client.training.jobs.get(job.id).checkpoints), seconds=SECONDS)
        lost.kill()
        apart.worker("other", "--pool", "gpu")
        done = client.training.jobs.wait(job.id, timeout=SECONDS)
        begun = [line.message for line in client.jobs.logs(job.id) if line.message.startswith("begins at step")]
        assert [line.startswith("begins at step 0 ") for line in begun] == [True, False]
        assert [each.step for each in done.curve] == list(range(1, len(done.curve) + 1)), "each step is there once"
        assert done.outcome
        assert done.outcome.before["loss"] > done.outcome.after["loss"], "it knows what the other machine had seen"
        said = answer(client, "survivor")
        assert said.startswith(ANSWER)
    assert engine.stop() == 0
    third = apart.engine("third")
    with Tropism(third.ready(), ADMIN_KEY) as client:
        assert answer(client, "survivor") == said
