"""What makes sense is started; without the extra `train`, the job says what to install."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Both
from tests.training.conftest import Config

from tropism import Tropism
from tropism.sdk.errors import TropismError
from tropism.trainers import protocol

ENDED = {"COMPLETED", "FAILED", "CANCELED"}


@pytest.fixture(autouse=True)
def _tidy(client: Tropism, use_case: str) -> Any:
    """Leave no job behind that the shared worker would do."""
    yield
    for job in client.training.jobs.list(use_case=use_case):
        if job.status not in ENDED:
            client.training.jobs.cancel(job.id)


def test_a_training_is_shown_as_it_was_asked_for(
    call: Both, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    wanted = config()
    made = call("training.jobs.create", local, wanted, name="Better", use_case=use_case)
    assert made.name == "Better"
    assert made.model == local
    assert made.output_name == wanted["output_name"]
    assert made.output_model is None
    assert made.status in {"PENDING", "RUNNING", "FAILED"}
    assert [stage.name for stage in made.stages] == ["samples", "train", "export", "register"]
    params = made.config.training_config.base_training_params
    assert (params.learning_rate, params.num_epochs, params.batch_size, params.num_validations) == (1e-5, 1, 32, 10)
    [listed] = call("training.jobs.list", use_case=use_case)
    assert listed.id == made.id
    assert call("training.jobs.get", made.id).config == made.config


GUIDELINES = {"guidelines": {"judge_model": "echo-a", "judge_model_prompt": [{"name": "a", "description": "b"}]}}


@pytest.mark.parametrize(
    ("method", "objective", "feedback_type"),
    [
        ("SFT", {"sft": {}}, "DIRECT"),
        ("SFT", {"metric": {"metric_key": "thumbs"}}, "DIRECT"),
        (
            "SFT",
            {"metric": {"metric_key": "stars", "metric_metadata": {"scalar_metric": {"threshold": 2.0}}}},
            "DIRECT",
        ),
        ("DPO", {"metric": {"metric_key": "stars"}}, "DIRECT"),
        ("DPO", {"metric": {"metric_key": "stars"}}, "PREFERENCE"),
        *(
            (method, objective, feedback_type)
            for method in ("PPO", "GRPO")
            for objective, feedback_type in (
                ({"metric": {"metric_key": "stars"}}, "DIRECT"),
                ({"metric": {"metric_key": "stars"}}, "PREFERENCE"),
                ({"reward_server": {"remote_env": "server"}}, "DIRECT"),
                (GUIDELINES, "DIRECT"),
            )
        ),
    ],
)
@pytest.mark.parametrize("kind", ["PARAMETER_EFFICIENT", "FULL_WEIGHTS"])
def test_what_makes_sense_is_started(
    client: Tropism,
    use_case: str,
    local: str,
    logged: list[str],
    config: Config,
    method: str,
    objective: dict[str, Any],
    feedback_type: str,
    kind: str,
) -> None:
    named = json.loads(json.dumps(objective).replace('metric_key": "', f'metric_key": "{use_case}-'))
    if "reward_server" in named:
        named["reward_server"]["remote_env"] = f"server-{use_case}"
        client.reward_servers.add("http://127.0.0.1:9", f"server-{use_case}")
    made = client.training.jobs.create(
        local,
        config(method, named, feedback_type, training_type=kind),  # type: ignore[arg-type]
        use_case=use_case,
    )
    names = [stage.name for stage in made.stages]
    assert ("reward_model" in names) == (method in ("PPO", "GRPO") and "metric" in named)


def test_a_model_that_is_trained_says_so(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    job = client.training.jobs.create(local, config(), use_case=use_case)  # type: ignore[arg-type]
    while (seen := client.models.get(local)).is_training:
        if client.training.jobs.get(job.id).status not in ENDED:
            client.training.jobs.cancel(job.id)
    assert not seen.is_training
    assert client.training.jobs.get(job.id).status in ENDED


def test_a_canceled_training_stays_canceled(
    call: Both, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    running = [call("training.jobs.create", local, config(), use_case=use_case) for _ in range(2)]
    canceled = call("training.jobs.cancel", running[1].id)
    assert canceled.status == "CANCELED"
    assert call("training.jobs.get", running[1].id).status == "CANCELED"


def test_two_trainings_cannot_make_the_same_child(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    wanted = config()
    first = client.training.jobs.create(local, wanted, use_case=use_case)  # type: ignore[arg-type]
    if client.training.jobs.get(first.id).status in ENDED:
        pytest.skip("the first has failed already")
    with pytest.raises(TropismError, match="choose another output_name"):
        client.training.jobs.create(local, wanted, use_case=use_case)  # type: ignore[arg-type]


@pytest.mark.skipif(not protocol.missing_packages(), reason="the extra `train` is installed")
def test_without_the_extra_the_job_says_what_to_install(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    job = client.training.jobs.create(local, config(), use_case=use_case)  # type: ignore[arg-type]
    with pytest.raises(TropismError, match=r"install torch first.*pip install 'tropism\[train\]'"):
        client.training.jobs.wait(job.id, timeout=60)


def test_a_dataset_is_learnt_from(client: Tropism, use_case: str, local: str, tmp_path: Path, config: Config) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text('{"messages": [{"role": "user", "content": "Hello"}], "completion": "Hi"}\n')
    client.datasets.upload(file, "greetings", use_case=use_case)
    source = {"dataset": {"dataset": "greetings"}}
    made = client.training.jobs.create(local, config(datasource=source), use_case=use_case)  # type: ignore[arg-type]
    assert made.config.sample_config.datasource.dataset
