"""The bundled model learns from its own log, and both answer, each on its own. Needs the extra `train`."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.training.conftest import BUNDLED

from tropism import Tropism

pytestmark = pytest.mark.train

SAID = "<<ANSWER>> Ahoy! <<END>>"
QUESTIONS = ["Name a colour.", "How are you?", "What is two plus two?", "Who wrote Hamlet?"] * 2


def ask(client: Tropism, model: str) -> str:
    question: Any = [{"role": "user", "content": "What is the capital of Italy?"}]
    answer = client.chat.create(question, model=model, max_tokens=16, temperature=0)
    return answer.choices[0].message.content


def test_the_bundled_model_learns_from_its_log(bundled: Tropism) -> None:
    wanted: Any = {
        "output_name": "Pirate",
        "training_config": {
            "base_training_params": {"learning_rate": 2e-3, "num_epochs": 2, "batch_size": 4, "num_validations": 0},
            "training_metadata": {"alignment_method": "SFT"},
            "training_objective": {"sft": {}},
        },
        "sample_config": {"datasource": {"completions": {"selection_type": "LAST", "max_samples": 8}}},
    }
    bundled.use_cases.create("pirates")
    bundled.set_default_use_case("pirates")
    bundled.models.attach(BUNDLED, wait=True)
    for question in QUESTIONS:
        bundled.interactions.create(SAID, messages=[{"role": "user", "content": question}])
    job = bundled.training.jobs.create(BUNDLED, wanted, wait=True)
    assert job.output_model
    before = ask(bundled, BUNDLED)
    bundled.models.attach(job.output_model, wait=True)
    after = ask(bundled, job.output_model)
    again = ask(bundled, BUNDLED)
    assert job.outcome
    assert job.curve[-1].loss
    assert job.curve[0].loss
    assert job.curve[-1].loss < job.curve[0].loss
    assert job.outcome.parity["best"] > 0.9 * job.outcome.parity["tokens"]
    assert "<<" in after
    assert again == before
    assert "<<" not in before
