"""A run that makes no sense is refused before anything is loaded, with the reason and what would work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tropism.trainers import config
from tropism.trainers.config import ConfigError, Feedback, Lora, RewardServer, TrainingRun, Vllm

SERVER = RewardServer(url="http://127.0.0.1:1")


def _run(method: config.Method, **rest: Any) -> TrainingRun:
    return TrainingRun(method=method, base="base", data=["lines.jsonl"], **rest)


def test_the_defaults_are_those_of_the_api() -> None:
    run = _run("SFT")
    assert (run.learning_rate, run.num_epochs, run.batch_size, run.num_validations) == (1e-5, 1, 32, 10)
    assert run.training_type == "PARAMETER_EFFICIENT"


def test_a_run_comes_back_from_its_file(tmp_path: Path) -> None:
    run = _run("GRPO", steps=3, reward=SERVER, lora=Lora(rank=4))
    config.save(tmp_path, run)
    assert config.load(tmp_path) == run


@pytest.mark.parametrize(
    ("run", "advice"),
    [
        (_run("GRPO", steps=3), "reward"),
        (_run("PPO", reward=SERVER), "steps"),
        (_run("PPO", reward=SERVER, steps=3, batch_size=7), "use 8"),
        (_run("GRPO", reward=SERVER, steps=3, batch_size=30), "use 32"),
        (_run("GRPO", reward=SERVER, steps=3, group_size=1), "2 or more"),
        (_run("GRPO", reward=SERVER, steps=3, kl_div_coeff=0.0), "use 0.02"),
        (_run("GRPO", reward=SERVER, steps=3, feedback=Feedback(key="stars")), "REWARD_MODEL"),
        (_run("DPO", kl_div_coeff=-1.0), "use 0.1"),
        (_run("DPO", reward=SERVER), "GRPO"),
        (_run("SFT", steps=5), "num_epochs"),
        (_run("SFT", kl_div_coeff=0.1), "leave out `kl_div_coeff`"),
        (_run("SFT", vllm=Vllm()), "leave out `vllm`"),
        (_run("SFT", training_type="FULL_WEIGHTS", lora=Lora()), "PARAMETER_EFFICIENT"),
        (_run("SFT", parent_adapter="parent", lora=Lora()), "leave out `lora`"),
        (_run("REWARD_MODEL", parent_adapter="parent"), "leave out `parent_adapter`"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_works(run: TrainingRun, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        config.check(run)


def test_a_word_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    known = msgspec.to_builtins(_run("SFT"))
    (tmp_path / config.FILE).write_bytes(msgspec.json.encode(known | {"learning_rat": 1}))
    with pytest.raises(ConfigError, match="learning_rat"):
        config.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json"):
        config.load(tmp_path)
