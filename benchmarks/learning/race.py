"""Runs the trainers of one task, the plain scripts beside them on the same data, and asks the model afterwards."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.learning.answers import BASE, Answers, Ask
from benchmarks.learning.base import Base
from benchmarks.learning.methods import Stage, Task
from benchmarks.learning.rules import Warm
from benchmarks.learning.turns import Runner, take_turns
from tropism.rewards.testing import run_reward_server
from tropism.trainers import config, protocol
from tropism.trainers.config import RewardModel, RewardServer, RewardSource, TrainingRun

OURS, PLAIN = "ours", "plain"
ITERATIONS = 2
"""How often PPO learns from each batch."""


@dataclass(frozen=True, kw_only=True)
class Raced:
    """What came out: the runners of each stage, and what the base and the trained model answered."""

    stages: list[tuple[Runner, Runner]]
    answers: Mapping[str, Answers]


def race(task: Task, base: Base, folder: Path) -> Raced:
    """Train and ask, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    with _rewards(task) as url:
        stages = [_stage(number, stage, base, folder, url) for number, stage in enumerate(task.stages)]
    trained = folder / str(len(task.stages) - 1) / OURS / protocol.MODEL
    return Raced(stages=stages, answers=_ask(task, base, folder, {OURS: str(trained)}))


def _rewards(task: Task) -> AbstractContextManager[str | None]:
    return run_reward_server(Warm()) if task.needs_server else nullcontext()


def _stage(number: int, stage: Stage, base: Base, folder: Path, url: str | None) -> tuple[Runner, Runner]:
    place = folder / str(number)
    place.mkdir(parents=True)
    data = place / "data.jsonl"
    lines = stage.data()
    data.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    before = folder / str(number - 1)
    run = _run(stage, base, data, url, before)
    ours, plain = place / OURS, place / PLAIN
    config.save(ours, run)
    plain.mkdir()
    (plain / "plain.json").write_bytes(msgspec.json.encode(_plain(run, len(lines), before)))
    runners = (
        Runner(
            name=OURS,
            command=protocol.command(protocol.MODULES[run.method], ours),
            folder=ours,
            losses=lambda: _told(ours),
        ),
        Runner(
            name=PLAIN,
            command=[sys.executable, "-m", "benchmarks.learning.plain", str(plain)],
            folder=plain,
            losses=lambda: _written(plain / "steps.txt"),
        ),
    )
    take_turns(runners)
    return runners


def _run(stage: Stage, base: Base, data: Path, url: str | None, before: Path) -> TrainingRun:
    reward: RewardSource | None = None
    if stage.method in ("GRPO", "PPO"):
        reward = RewardServer(url=url) if url else RewardModel(path=str(before / OURS / protocol.MODEL))
    return TrainingRun(method=stage.method, base=str(base.folder), data=[str(data)], reward=reward, **stage.settings)


def _plain(run: TrainingRun, lines: int, before: Path) -> dict[str, object]:
    """The same run, in the words of the plain script."""
    by_model = isinstance(run.reward, RewardModel)
    if run.steps:
        updates = run.steps * (ITERATIONS if run.method == "PPO" else 1)
    else:
        updates = math.ceil(lines / run.batch_size) * run.num_epochs
    special = {
        "data": run.data[0],
        "updates": updates,
        "save_steps": math.ceil(updates / run.checkpoints),
        "reward_model": str(before / PLAIN / protocol.MODEL) if by_model else None,
    }
    return {**msgspec.to_builtins(run), **special}


def _told(folder: Path) -> list[float]:
    """The losses that a trainer has told of."""
    events = protocol.EventReader(folder).read()
    return [event.loss for event in events if isinstance(event, protocol.Progress)]


def _written(path: Path) -> list[float]:
    """The losses that the script has written."""
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [json.loads(line)["loss"] for line in whole.splitlines()]


def _ask(task: Task, base: Base, folder: Path, adapters: dict[str, str]) -> Mapping[str, Answers]:
    place = folder / "answers"
    place.mkdir()
    ask = Ask(
        base=str(base.folder), gguf=str(base.gguf), adapters=adapters, prompts=list(task.prompts), length=task.length
    )
    (place / "ask.json").write_bytes(msgspec.json.encode(ask))
    asking = [sys.executable, "-m", "benchmarks.learning.answers", str(place)]
    subprocess.run(asking, check=True, env=os.environ | protocol.ENVIRONMENT)
    found = msgspec.json.decode((place / "answers.json").read_bytes(), type=dict[str, Answers])
    assert found.keys() == {BASE, *adapters}
    return found
