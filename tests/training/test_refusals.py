"""What makes no sense is refused when the job would be made, with what would work, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.training.conftest import Config

from tropism import APIStatusError, NotFoundError, Tropism

PROMPT: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
GUIDELINES = {"guidelines": {"judge_model": "echo-a", "judge_model_prompt": [{"name": "a", "description": "b"}]}}
SERVER = {"reward_server": {"remote_env": "nowhere"}}


def refused(client: Tropism, use_case: str, model: str, config: Any) -> str:
    """The message, after checking that no job was made."""
    with pytest.raises(APIStatusError) as caught:
        client.training.jobs.create(model, config, use_case=use_case)
    assert caught.value.status_code in (404, 409, 422)
    assert client.training.jobs.list(use_case=use_case) == []
    return str(caught.value)


def metric(use_case: str, key: str = "stars", threshold: float | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"metric_key": f"{use_case}-{key}"}
    if threshold is not None:
        found["metric_metadata"] = {"scalar_metric": {"threshold": threshold}}
    return {"metric": found}


@pytest.mark.parametrize(
    ("method", "objective", "advice"),
    [
        ("SFT", GUIDELINES, "evaluate the completions"),
        ("SFT", SERVER, "take GRPO"),
        ("DPO", {"sft": {}}, "objective `metric`"),
        ("DPO", GUIDELINES, "objective `metric`"),
        ("DPO", SERVER, "take GRPO"),
        ("PPO", {"sft": {}}, "method SFT"),
        ("GRPO", {"sft": {}}, "method SFT"),
        ("SFT", {}, "exactly one"),
        ("SFT", {"sft": {}, **SERVER}, "exactly one"),
    ],
)
def test_a_method_and_an_objective_must_fit(
    client: Tropism,
    use_case: str,
    local: str,
    logged: list[str],
    config: Config,
    method: str,
    objective: dict[str, Any],
    advice: str,
) -> None:
    if "reward_server" in objective and not any(s.key == "nowhere" for s in client.reward_servers.list()):
        client.reward_servers.add("http://127.0.0.1:9", "nowhere")
    wanted = config(method)
    wanted["training_config"]["training_objective"] = objective
    assert advice in refused(client, use_case, local, wanted)


def test_pairs_are_not_imitated(client: Tropism, use_case: str, local: str, logged: list[str], config: Config) -> None:
    assert "take DPO" in refused(client, use_case, local, config(feedback_type="PREFERENCE"))


def test_a_scalar_metric_needs_a_threshold_to_be_imitated(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    assert "at least so much" in refused(client, use_case, local, config(objective=metric(use_case)))


def test_a_threshold_is_for_sft_and_scalars(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    assert "leave it out" in refused(client, use_case, local, config("DPO", metric(use_case, threshold=2)))
    assert "leave it out" in refused(client, use_case, local, config(objective=metric(use_case, "thumbs", 1)))


@pytest.mark.parametrize(
    ("method", "parameters", "advice"),
    [
        ("SFT", {"dpo": {}}, "parameters of DPO"),
        ("GRPO", {"ppo": {"steps": 3}}, "parameters of PPO"),
        ("GRPO", {}, "'steps': 20"),
        ("GRPO", {"grpo": {"steps": 3, "group_size": 5}}, "not divisible by 5"),
        ("DPO", {"dpo": {"kl_div_coeff": 0}}, "kl_div_coeff"),
    ],
)
def test_parameters_are_those_of_the_method(
    client: Tropism,
    use_case: str,
    local: str,
    logged: list[str],
    config: Config,
    method: str,
    parameters: dict[str, Any],
    advice: str,
) -> None:
    objective = metric(use_case) if method != "SFT" else None
    assert advice in refused(client, use_case, local, config(method, objective, parameters=parameters))


def test_a_feedback_key_must_be_linked(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    client.feedback.register_key(f"{use_case}-loose")
    assert "feedback.link" in refused(client, use_case, local, config("DPO", metric(use_case, "loose")))


@pytest.mark.parametrize("model", ["echo-a", "variant"])
def test_a_model_must_be_trainable(
    client: Tropism, use_case: str, logged: list[str], config: Config, model: str
) -> None:
    if model == "variant":
        model = f"variant-{use_case}"
        client.models.add_variant("echo-a", model, system_prompt="Be brief.")
    assert "cannot be trained" in refused(client, use_case, model, config())


def test_a_child_needs_a_key_of_its_own(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config
) -> None:
    assert "choose another" in refused(client, use_case, local, config() | {"output_name": local})
    assert "no key can be made" in refused(client, use_case, local, config() | {"output_name": "***"})


def test_there_must_be_something_to_learn_from(client: Tropism, use_case: str, local: str, config: Config) -> None:
    assert "no logged completion matches" in refused(client, use_case, local, config())
    assert "no logged completion with feedback" in refused(client, use_case, local, config("DPO", metric(use_case)))
    pairs = config("DPO", metric(use_case), "PREFERENCE")
    assert "no logged preference" in refused(client, use_case, local, pairs)


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ({}, "exactly one"),
        ({"completions": {"replay_interactions": True}}, "replays nothing"),
        ({"completions": {"selection_type": "RANDOM"}}, "max_samples"),
        ({"dataset": {"dataset": "nothing"}}, "no dataset"),
    ],
)
def test_a_source_must_be_named_well(
    client: Tropism, use_case: str, local: str, logged: list[str], config: Config, source: dict[str, Any], advice: str
) -> None:
    wanted = config()
    wanted["sample_config"]["datasource"] = source
    assert advice in refused(client, use_case, local, wanted)


@pytest.mark.parametrize(
    ("line", "method", "feedback_type", "advice"),
    [
        (PROMPT, "SFT", "DIRECT", "prompts alone are enough for GRPO"),
        (PROMPT | {"completion": "Hi"}, "DPO", "DIRECT", "needs PROMPT_COMPLETION_FEEDBACK"),
        (PROMPT | {"completion": "Hi", "feedbacks": {"other": 1}}, "DPO", "DIRECT", "it has other"),
        (PROMPT | {"completion": "Hi", "feedbacks": {"other": 1}}, "DPO", "PREFERENCE", "feedback_type DIRECT"),
        (
            PROMPT | {"preferred_completion": "a", "other_completion": "b", "feedback_key": "k"},
            "SFT",
            "DIRECT",
            "take DPO",
        ),
    ],
)
def test_a_dataset_must_hold_what_the_method_learns_from(
    client: Tropism,
    use_case: str,
    local: str,
    tmp_path: Path,
    config: Config,
    line: dict[str, Any],
    method: str,
    feedback_type: str,
    advice: str,
) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps(line) + "\n")
    client.datasets.upload(tmp_path / "one.jsonl", "one", use_case=use_case)
    objective = metric(use_case) if method != "SFT" else None
    wanted = config(method, objective, feedback_type, {"dataset": {"dataset": "one"}})
    assert advice in refused(client, use_case, local, wanted)


def test_a_job_of_another_kind_is_no_training(client: Tropism) -> None:
    with pytest.raises(NotFoundError, match="jobs.list"):
        client.training.jobs.get("00000000-0000-0000-0000-000000000009")
