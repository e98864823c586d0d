"""The benchmark of learning, cut short on a tiny model: our trainers and the plain scripts beside them are the same
training, step for step. Needs the extra `train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from benchmarks.learning.answers import BASE
from benchmarks.learning.base import Base
from benchmarks.learning.methods import TASKS, Stage, Task
from benchmarks.learning.race import OURS, race
from benchmarks.learning.report import row
from tests.trainers import tiny, tiny_gguf

pytestmark = pytest.mark.train

LINES, PROMPTS = 16, 3


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = tmp_path_factory.mktemp("base")
    model = tiny.make_model(folder / "tiny")
    return Base(gguf=tiny_gguf.make_gguf(model, folder), folder=model)


def cut_short(task: Task) -> Task:
    return replace(
        task,
        prompts=task.prompts[:PROMPTS],
        metadata=task.metadata[:PROMPTS],
        length=8,
        stages=[short_stage(stage) for stage in task.stages],
    )


def short_stage(stage: Stage) -> Stage:
    settings = dict(stage.settings)
    if "steps" in settings:
        settings |= {"steps": 3, "max_completion_tokens": 8}
    if "num_epochs" in settings:
        settings |= {"num_epochs": 1}
    return replace(stage, data=lambda: stage.data()[-LINES:], settings=settings)


@pytest.mark.parametrize("name", ["DPO", "PPO", "METRIC"])
def test_it_is_the_same_training_as_the_plain_script(name: str, base: Base, tmp_path: Path) -> None:
    task = cut_short(TASKS[name])
    raced = race(task, base, tmp_path / name)
    for stage, (ours, plain) in zip(task.stages, raced.stages, strict=True):
        assert len(ours.losses()) == len(plain.losses()) >= 2
        if stage.method != "PPO":  # beside it stands another method
            assert ours.losses() == pytest.approx(plain.losses(), abs=1e-6)
        # Steps of a tiny model may be over before anybody looks: then a turn has more than one.
        assert 1 <= len(ours.seconds) < len(ours.losses())
        assert min(ours.seconds) > 0
    assert raced.answers.keys() == {BASE, OURS}
    made = row(name, task, raced, seconds=60)
    assert made.learnt[2] == str(PROMPTS)
    assert len(made.speeds) == len(task.stages)
