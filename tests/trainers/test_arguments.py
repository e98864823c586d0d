"""Lengths and batches are worked out from a run so that every step is whole. Needs the extra `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from trl import GRPOConfig

from tropism.trainers.arguments import arguments, micro_batch, updates
from tropism.trainers.config import RewardServer, TrainingRun, Vllm
from tropism.trainers.rollouts import rollouts

pytestmark = pytest.mark.train

SERVER = RewardServer(url="http://127.0.0.1:1")


def _run(method: Any = "SFT", **rest: Any) -> TrainingRun:
    return TrainingRun(method=method, base="base", data=["lines.jsonl"], **rest)


def test_the_last_step_of_an_epoch_may_be_smaller() -> None:
    assert updates(_run(batch_size=8, num_epochs=3), 20) == 9


def test_ppo_makes_two_updates_of_each_batch() -> None:
    assert updates(_run("PPO", reward=SERVER, steps=5), 20) == 10
    assert updates(_run("GRPO", reward=SERVER, steps=5), 20) == 5


@pytest.mark.parametrize(("batch", "most", "size"), [(32, 8, 8), (30, 8, 6), (7, 4, 1), (4, 8, 4)])
def test_a_batch_is_computed_in_equal_parts(batch: int, most: int, size: int) -> None:
    run = _run(batch_size=batch, micro_batch_size=most)
    assert micro_batch(run) == size
    assert size * arguments(run, "output", 100, 0)["gradient_accumulation_steps"] == batch


def test_several_devices_share_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    made = arguments(_run(batch_size=32, micro_batch_size=4), "output", 100, 0)
    assert (made["per_device_train_batch_size"], made["gradient_accumulation_steps"]) == (4, 2)


def test_validations_are_as_many_as_wanted_and_checkpoints_fall_between_batches() -> None:
    run = _run("PPO", reward=SERVER, steps=25, num_validations=5, checkpoints=7)
    made = arguments(run, "output", 100, 10)
    assert made["max_steps"] / made["eval_steps"] == 5
    assert made["save_steps"] % 2 == 0


def test_without_held_out_lines_nothing_is_validated() -> None:
    assert arguments(_run(), "output", 100, 0)["eval_strategy"] == "no"
    assert arguments(_run(num_validations=0), "output", 100, 10)["eval_strategy"] == "no"


@pytest.mark.parametrize(("vllm", "mode"), [(Vllm(), "colocate"), (Vllm(url="http://127.0.0.1:1"), "server")])
def test_vllm_is_one_switch(vllm: Vllm, mode: str, tmp_path: Path) -> None:
    run = _run("GRPO", reward=SERVER, steps=5, vllm=vllm)
    made = GRPOConfig(**arguments(run, str(tmp_path), 100, 10), **rollouts(run))
    assert made.use_vllm
    assert made.vllm_mode == mode
    assert made.vllm_server_base_url == vllm.url
