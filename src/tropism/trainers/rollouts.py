"""What PPO and GRPO have in common: how completions are written, and who rewards them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tropism.trainers import config, rewards
from tropism.trainers.config import RewardModel, TrainingRun, Vllm
from tropism.trainers.session import Session


def rollouts(run: TrainingRun) -> dict[str, Any]:
    """Arguments of `GRPOConfig`. Held-out prompts get one completion each."""
    return {
        "max_completion_length": run.max_completion_tokens,
        "temperature": run.temperature,
        "beta": config.kl_div_coeff(run),
        "num_generations_eval": 1,
        **(_vllm(run.vllm) if run.vllm else {}),
    }


def rewarding(session: Session) -> Mapping[str, Any]:
    """Arguments of `GRPOTrainer`: what gives the rewards."""
    source = session.run.reward
    if isinstance(source, RewardModel):
        model = rewards.load_model(session.folder / source.path)
        return {"reward_funcs": [model], "reward_processing_classes": [session.tokenizer]}
    assert source
    return {"reward_funcs": [rewards.from_server(source, session.writer, session.interrupt)]}


def _vllm(vllm: Vllm) -> dict[str, Any]:
    if vllm.url:
        return {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": vllm.url}
    return {"use_vllm": True, "vllm_mode": "colocate", "vllm_gpu_memory_utilization": vllm.gpu_memory}
