"""A run learns, is repeatable, stops when asked, survives a kill, and says why it failed. Needs the extra `train`."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.trainers import tiny

from tropism.trainers import checkpoints, config, protocol

pytestmark = pytest.mark.train


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Many questions with one answer."""
    lines = [tiny.line(f"What is {number}?", completion="It is blue today.") for number in range(40)]
    return tiny.write(tmp_path_factory.mktemp("data") / "colours.jsonl", lines)


def _weights(folder: Path) -> bytes:
    return next((folder / protocol.MODEL).glob("*model.safetensors")).read_bytes()


def test_a_run_tells_all_of_it_and_learns(tmp_path: Path, base: Path, colours: str) -> None:
    result = tiny.train(tmp_path, tiny.run_of("SFT", base, colours, num_epochs=2))
    assert (result.status, result.step, result.total, result.model) == ("COMPLETED", 10, 10, "model")
    assert result.after["loss"] < 0.5 * result.before["loss"]
    told = tiny.events(tmp_path)
    assert isinstance(told[0], protocol.Began)
    assert (told[0].training_lines, told[0].validation_lines) == (36, 4)
    assert [event.step for event in told if isinstance(event, protocol.Progress)] == list(range(1, 11))
    assert [event.step for event in told if isinstance(event, protocol.Validation)] == [0, 10]


def test_the_same_seed_gives_the_same_model(tmp_path: Path, base: Path, colours: str) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        tiny.train(tmp_path / name, tiny.run_of("SFT", base, colours, seed=seed))
    assert _weights(tmp_path / "one") == _weights(tmp_path / "same")
    assert _weights(tmp_path / "one") != _weights(tmp_path / "other")


def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path: Path, base: Path, colours: str) -> None:
    run = tiny.run_of("SFT", base, colours, num_epochs=4, checkpoints=5)
    whole = tiny.train(tmp_path / "whole", run)
    killed = tmp_path / "killed"
    process = tiny.start(killed, run)
    tiny.wait_for(process, killed, protocol.Progress, 6)
    process.kill()
    process.join()
    assert protocol.read_result(killed) is None
    before = len(tiny.events(killed))
    result = tiny.train(killed, run)
    assert (result.status, result.before, result.after) == ("COMPLETED", whole.before, whole.after)
    began = tiny.events(killed)[before]
    assert isinstance(began, protocol.Began)
    assert began.step >= 4
    assert tiny.losses(killed)[-(20 - began.step) :] == tiny.losses(tmp_path / "whole")[began.step :]
    assert _weights(killed) == _weights(tmp_path / "whole")


@pytest.mark.parametrize("how", ["file", "signal"])
def test_a_run_that_is_asked_to_stop_keeps_a_checkpoint(how: str, tmp_path: Path, base: Path, colours: str) -> None:
    process = tiny.start(tmp_path, tiny.run_of("SFT", base, colours, num_epochs=500, checkpoints=1))
    tiny.wait_for(process, tmp_path, protocol.Progress, 2)
    reached = len(tiny.losses(tmp_path))
    if how == "file":
        protocol.ask_to_stop(tmp_path)
    else:
        process.terminate()
    process.join(tiny.SECONDS)
    result = protocol.read_result(tmp_path)
    assert result is not None
    assert result.status == "STOPPED"
    assert result.step < 500
    assert checkpoints.step_of(checkpoints.last_complete(tmp_path / protocol.CHECKPOINTS)) == result.step >= reached


def test_a_loss_that_is_no_number_ends_the_run_with_advice(tmp_path: Path, base: Path, colours: str) -> None:
    run = tiny.run_of("SFT", base, colours, training_type="FULL_WEIGHTS", learning_rate=1e30, num_epochs=3)
    result = tiny.train(tmp_path, run)
    assert result.status == "FAILED"
    assert result.error is not None
    assert "a tenth of the learning rate" in result.error


def test_a_run_that_cannot_begin_says_why(tmp_path: Path, base: Path) -> None:
    prompts_only = tiny.write(tmp_path / "prompts.jsonl", [tiny.line("What is it?")])
    result = tiny.train(tmp_path, tiny.run_of("SFT", base, prompts_only))
    assert result.status == "FAILED"
    assert result.error is not None
    assert "none of 1 lines has a completion" in result.error


def test_an_adapter_is_trained_on(tmp_path: Path, base: Path, colours: str) -> None:
    tiny.train(tmp_path / "parent", tiny.run_of("SFT", base, colours))
    adapter = str(tmp_path / "parent" / protocol.MODEL)
    for name, kind in (("child", "PARAMETER_EFFICIENT"), ("merged", "FULL_WEIGHTS")):
        child = tiny.run_of("SFT", base, colours, parent_adapter=adapter, training_type=kind, learning_rate=1e-4)
        result = tiny.train(tmp_path / name, child)
        first, last = tiny.losses(tmp_path / "parent")[0], tiny.losses(tmp_path / "parent")[-1]
        assert abs(result.before["loss"] - last) < abs(result.before["loss"] - first)


def test_a_run_ends_with_its_parent(tmp_path: Path, base: Path, colours: str) -> None:
    run = tiny.run_of("SFT", base, colours, num_epochs=10_000)
    config.save(tmp_path, run)
    process = subprocess.Popen(
        protocol.command(protocol.MODULES["SFT"], tmp_path),
        stdin=subprocess.PIPE,
        env=os.environ | protocol.ENVIRONMENT,
    )
    while not tiny.losses(tmp_path):
        assert process.poll() is None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(tiny.SECONDS) not in (0, -signal.SIGKILL)
    assert protocol.read_result(tmp_path) is None
