"""What each method is to learn: its data, its settings, and how its target is measured on held-out prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.learning import topics
from benchmarks.learning.log import GREETINGS, LONG, PREFERENCES, SHORT
from benchmarks.learning.rules import Rule, fits, is_in_format, is_warm
from tropism.trainers.config import Feedback, Lora, Method
from tropism.wire.chat import ChatMessage
from tropism.wire.datasets import DatasetLine


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One trainer: what it is given besides the base, the data and where rewards come from."""

    method: Method
    data: Callable[[], list[DatasetLine]]
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One row of the table. The first stage of two trains the model of rewards for the second."""

    target: str
    stages: Sequence[Stage]
    beside: str
    """The script that runs beside it."""
    prompts: Sequence[str]
    metadata: Sequence[Mapping[str, Any]]
    rule: Rule
    length: int
    needs_server: bool = False


def _facts() -> list[DatasetLine]:
    return [_line(prompt, completion=answer) for prompt, answer in topics.facts()]


def _preferences() -> list[DatasetLine]:
    return _logged(PREFERENCES)


def _rated() -> list[DatasetLine]:
    return _logged(GREETINGS)


def _names() -> list[DatasetLine]:
    """Prompts with the metadata that the reward server wants."""
    return [_line(prompt, metadata={"name": name}) for prompt, name in topics.greetings(topics.NAMES)]


def _line(prompt: str, **rest: Any) -> DatasetLine:
    return DatasetLine(messages=[ChatMessage(role="user", content=prompt)], **rest)


def _logged(path: Path) -> list[DatasetLine]:
    return [msgspec.json.decode(line, type=DatasetLine) for line in path.read_bytes().splitlines()]


_ADAPTER = {"lora": Lora(rank=8, alpha=16.0), "num_validations": 0, "checkpoints": 2, "seed": 1}
_WRITING = {
    **_ADAPTER,
    "batch_size": 8,
    "max_completion_tokens": SHORT,
    "learning_rate": 8e-4,
    "schedule": "constant",
}
_GROUPS = {"group_size": 4}
_NAMED = topics.greetings(topics.OTHER_NAMES)
_GREETED: Mapping[str, Any] = {
    "prompts": [prompt for prompt, _ in _NAMED],
    "metadata": [{"name": name} for _, name in _NAMED],
    "rule": is_warm,
    "length": SHORT,
}


def _unnamed(prompts: Sequence[str]) -> Mapping[str, Any]:
    return {"prompts": prompts, "metadata": [{}] * len(prompts)}


TASKS: Mapping[str, Task] = {
    "SFT": Task(
        target="answers that are JSON of the wanted shape",
        stages=[
            Stage(
                method="SFT",
                data=_facts,
                settings={**_ADAPTER, "batch_size": 4, "num_epochs": 2, "learning_rate": 5e-4},
            )
        ],
        beside="trl.SFTTrainer",
        rule=is_in_format,
        length=SHORT,
        **_unnamed(topics.other_facts()),
    ),
    "DPO": Task(
        target="answers that fit into a text message",
        stages=[
            Stage(
                method="DPO",
                data=_preferences,
                settings={**_ADAPTER, "batch_size": 4, "num_epochs": 2, "learning_rate": 3e-4},
            )
        ],
        beside="trl.DPOTrainer",
        rule=fits,
        length=LONG,
        **_unnamed(topics.questions(topics.OTHER_THINGS)),
    ),
    "GRPO": Task(
        target="warmth of greetings, rewarded by a server",
        stages=[Stage(method="GRPO", data=_names, settings={**_WRITING, **_GROUPS, "steps": 12})],
        beside="trl.GRPOTrainer with the rule as a function",
        needs_server=True,
        **_GREETED,
    ),
    "PPO": Task(
        target="warmth of greetings, rewarded by a server",
        stages=[Stage(method="PPO", data=_names, settings={**_WRITING, "steps": 8})],
        beside="trl.GRPOTrainer with two updates per batch: the same work without a critic, as trl has no PPO",
        needs_server=True,
        **_GREETED,
    ),
    "METRIC": Task(
        target="warmth of greetings, rewarded by a model that learnt it from rated answers",
        stages=[
            Stage(
                method="REWARD_MODEL",
                data=_rated,
                settings={**_ADAPTER, "batch_size": 8, "learning_rate": 5e-4, "feedback": Feedback(key="good")},
            ),
            Stage(method="GRPO", data=_names, settings={**_WRITING, **_GROUPS, "steps": 18}),
        ],
        beside="transformers.Trainer, then trl.GRPOTrainer",
        **_GREETED,
    ),
}
