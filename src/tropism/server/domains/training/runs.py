"""From a training as it was asked for to what its trainers are told, and the folders that they work in."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from tropism.egress.policy import is_loopback
from tropism.server.domains.training.checks import METADATA, Plan
from tropism.server.errors import InvalidRequest
from tropism.server.files import model_files
from tropism.server.settings import Settings
from tropism.trainers import config, protocol
from tropism.trainers.config import Export, Feedback, RewardModel, RewardServer, TrainingRun
from tropism.wire import training as wire
from tropism.wire.models import ComputeConfig

SAMPLES_FILE = "samples.jsonl"
MOST_TOKENS = 1024
"""The longest sample, if the model reads so much; memory grows with the square of it."""
MAJORITY = 0.5
"""A yes-or-no value of several people is their mean: SFT imitates what most of them found good."""
JUDGE_SECONDS = 300.0
"""How long a judge may take for a batch of answers; it asks a model about each."""
REWARD_MODEL_RATE = 3e-4
"""The learning rate of an adapter that learns to give rewards: that of the training is for another aim."""


def job_folder(settings: Settings, job_id: UUID) -> Path:
    """Where a job keeps its samples, its trainers' folders and what they made."""
    return settings.data.absolute() / "training" / str(job_id)


def part_folder(settings: Settings, job_id: UUID, part: str) -> Path:
    """The folder of one trainer."""
    return job_folder(settings, job_id) / part


def refuse(plan: Plan, settings: Settings) -> None:
    """Let the trainers' own rules look at it, before there is a job."""
    try:
        for part in parts(plan):
            config.check(run_of(plan, part, UUID(int=0), settings, "http://127.0.0.1"))
    except config.ConfigError as error:
        raise InvalidRequest(str(error), param=METADATA) from None


def parts(plan: Plan) -> list[str]:
    """The trainers of a job, in their order."""
    return ["reward_model", "train"] if plan.needs_reward_model else ["train"]


def run_of(plan: Plan, part: str, job_id: UUID, settings: Settings, rewards: str | None) -> TrainingRun:
    """What a trainer is told. `rewards` is the URL of who gives rewards, if anybody does."""
    params = plan.request.config.training_config.base_training_params
    shared: dict[str, Any] = {
        "base": str(_weights(plan.base, settings)),
        "data": [str(job_folder(settings, job_id) / SAMPLES_FILE)],
        "cache": str(settings.data.absolute() / "training" / "cache"),
        "seed": params.seed,
        "batch_size": params.batch_size,
        "num_validations": params.num_validations,
        "max_tokens": min(MOST_TOKENS, msgspec.convert(plan.base.compute_config, ComputeConfig).max_seq_len),
        "feedback": _feedback(plan),
    }
    if part == "reward_model":
        rate = max(params.learning_rate, REWARD_MODEL_RATE)
        return TrainingRun(method="REWARD_MODEL", learning_rate=rate, num_epochs=params.num_epochs, **shared)
    if plan.method in ("PPO", "GRPO"):
        shared["feedback"] = None
    return TrainingRun(
        method=plan.method,
        training_type=plan.metadata.training_type,
        parent_adapter=_parent_adapter(plan.model, settings),
        learning_rate=params.learning_rate,
        num_epochs=params.num_epochs,
        reward=_reward(plan, settings, rewards),
        **shared,
        **_parameters(plan),
    )


def export_of(plan: Plan, settings: Settings) -> Export:
    """How what was trained is brought to the engine."""
    return Export(base=str(model_files.local_path(settings, plan.base.path)))


def _weights(base: Row[Any], settings: Settings) -> Path:
    """What a trainer begins with: the exact weights where they are here, else the file that is served."""
    folder = model_files.weights_of(base)
    if folder is not None and (exact := model_files.local_path(settings, folder)).is_dir():
        return exact
    return model_files.local_path(settings, base.path)


def _parent_adapter(model: Row[Any], settings: Settings) -> str | None:
    folder = model_files.weights_of(model) if model.adapter_path else None
    return str(model_files.local_path(settings, folder)) if folder else None


def _feedback(plan: Plan) -> Feedback | None:
    if plan.key is None:
        return None
    return Feedback(key=plan.key.key, scoring_type=plan.key.scoring_type, threshold=_threshold(plan))


def _threshold(plan: Plan) -> float | None:
    if plan.method != "SFT" or plan.key is None:
        return None
    if plan.key.kind == "bool":
        return MAJORITY
    metric = plan.request.config.training_config.training_objective.metric
    scalar = metric.metric_metadata.scalar_metric if metric and metric.metric_metadata else None
    return scalar.threshold if scalar else None


def _reward(plan: Plan, settings: Settings, url: str | None) -> RewardServer | RewardModel | None:
    if plan.needs_reward_model:
        return RewardModel(path=f"../reward_model/{protocol.MODEL}")
    if not plan.uses_prompts or url is None:
        return None
    if plan.judge is not None:  # ours, on this machine
        return RewardServer(url=url, timeout_seconds=JUDGE_SECONDS, egress=("loopback",))
    on_laptop = ("loopback",) if is_loopback(settings.host) else ()
    return RewardServer(url=url, egress=on_laptop if settings.egress_allow is None else settings.egress_allow)


def _parameters(plan: Plan) -> dict[str, Any]:
    given = plan.metadata.parameters or wire.MethodParameters()
    match plan.method:
        case "DPO" if given.dpo is not None:
            return {"kl_div_coeff": given.dpo.kl_div_coeff}
        case "PPO" if given.ppo is not None:
            return msgspec.structs.asdict(given.ppo)
        case "GRPO" if given.grpo is not None:
            return msgspec.structs.asdict(given.grpo)
        case _:
            return {}
