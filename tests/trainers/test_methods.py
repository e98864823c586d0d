"""Each method improves what it is for, on a tiny model in seconds. Needs the extra `train`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.trainers import tiny

from tropism.rewards import Request, RewardServer
from tropism.rewards.testing import run_reward_server
from tropism.trainers import config, protocol
from tropism.trainers.config import Feedback, RewardModel

pytestmark = pytest.mark.train

_WRITING: dict[str, Any] = {"max_completion_tokens": 8, "micro_batch_size": 32, "learning_rate": 2e-2}
GOOD, BAD = "It is blue today.", "Say yes or no, please."


class LikesTheLetterE(RewardServer):
    """The share of letters that are an e: easy to raise, even for random weights."""

    def score(self, request: Request) -> float:
        """Between 0 and 1."""
        return request.completion.count("e") / max(1, len(request.completion))


@pytest.fixture(scope="module")
def reward() -> Iterator[config.RewardServer]:
    """A reward server that runs beside the tests."""
    with run_reward_server(LikesTheLetterE()) as url:
        yield config.RewardServer(url=url)


@pytest.fixture(scope="session")
def tastes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Preferences that all go the same way."""
    lines = [tiny.line(f"{number}?", preferred_completion=GOOD, other_completion=BAD) for number in range(20)]
    return tiny.write(tmp_path_factory.mktemp("data") / "tastes.jsonl", lines)


@pytest.fixture(scope="session")
def stars(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One good and one bad answer to each question, with their stars."""
    answers = ((GOOD, 5.0), (BAD, 1.0))
    lines = [
        tiny.line(f"{n}?", completion=text, feedbacks={"stars": value}) for n in range(20) for text, value in answers
    ]
    return tiny.write(tmp_path_factory.mktemp("data") / "stars.jsonl", lines)


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Questions to write answers to."""
    lines = [tiny.line(f"What is {number}?", metadata={"number": number}) for number in range(16)]
    return tiny.write(tmp_path_factory.mktemp("data") / "prompts.jsonl", lines)


def _endless(base: Path, prompts: str, reward: config.RewardServer) -> config.TrainingRun:
    return tiny.run_of("GRPO", base, prompts, reward=reward, steps=1_000, checkpoints=1, num_validations=0, **_WRITING)


def _rewards(folder: Path) -> list[float]:
    return [event.reward or 0.0 for event in tiny.events(folder) if isinstance(event, protocol.Progress)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("kind", ["PARAMETER_EFFICIENT", "FULL_WEIGHTS"])
def test_dpo_learns_what_is_preferred(kind: Any, tmp_path: Path, base: Path, tastes: str) -> None:
    run = tiny.run_of("DPO", base, tastes, num_epochs=3, training_type=kind)
    result = tiny.train(tmp_path, run)
    assert result.status == "COMPLETED", result.error
    assert result.before["rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert result.after["rewards/margins"] > 0.1
    assert result.after["rewards/accuracies"] == 1.0


def test_dpo_makes_pairs_of_feedback(tmp_path: Path, base: Path, stars: str) -> None:
    result = tiny.train(tmp_path, tiny.run_of("DPO", base, stars, num_epochs=3, feedback=Feedback(key="stars")))
    assert result.after["rewards/accuracies"] == 1.0


def test_dpo_compares_with_the_parent_it_began_with(tmp_path: Path, base: Path, tastes: str) -> None:
    tiny.train(tmp_path / "parent", tiny.run_of("DPO", base, tastes, num_epochs=3))
    adapter = str(tmp_path / "parent" / protocol.MODEL)
    child = tiny.train(tmp_path / "child", tiny.run_of("DPO", base, tastes, parent_adapter=adapter))
    assert child.before["rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert [path.name for path in (tmp_path / "child" / protocol.MODEL).iterdir() if path.is_dir()] == []


def test_a_reward_model_learns_preferences_and_stars(tmp_path: Path, base: Path, tastes: str, stars: str) -> None:
    for name, data, feedback in (("pairs", tastes, None), ("scores", stars, Feedback(key="stars"))):
        run = tiny.run_of("REWARD_MODEL", base, data, num_epochs=5, feedback=feedback, learning_rate=1e-2)
        result = tiny.train(tmp_path / name, run)
        assert result.status == "COMPLETED", result.error
        assert result.after["accuracy"] == 1.0


def test_grpo_raises_the_reward(tmp_path: Path, base: Path, prompts: str, reward: config.RewardServer) -> None:
    run = tiny.run_of("GRPO", base, prompts, reward=reward, steps=12, batch_size=32, **_WRITING)
    result = tiny.train(tmp_path, run)
    assert result.status == "COMPLETED", result.error
    rewards = _rewards(tmp_path)
    assert len(rewards) == 12
    assert _mean(rewards[-3:]) > 2 * _mean(rewards[:3])
    assert all(event.kl is not None for event in tiny.events(tmp_path) if isinstance(event, protocol.Progress))


def test_ppo_raises_the_reward(tmp_path: Path, base: Path, prompts: str, reward: config.RewardServer) -> None:
    run = tiny.run_of("PPO", base, prompts, reward=reward, steps=10, batch_size=32, **_WRITING)
    result = tiny.train(tmp_path, run)
    assert (result.status, result.total) == ("COMPLETED", 20), result.error
    rewards = _rewards(tmp_path)
    assert _mean(rewards[-4:]) > 2 * _mean(rewards[:4])


@pytest.mark.parametrize("method", ["GRPO", "PPO"])
def test_a_killed_run_that_writes_goes_on_as_if_nothing_had_happened(
    method: Any, tmp_path: Path, base: Path, prompts: str, reward: config.RewardServer
) -> None:
    run = tiny.run_of(method, base, prompts, reward=reward, steps=6, batch_size=8, checkpoints=3, **_WRITING)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    total = tiny.train(whole, run).total
    process = tiny.start(killed, run)
    tiny.wait_for(process, killed, protocol.Saved, total // 3)
    process.kill()
    process.join()
    assert len(tiny.losses(whole)) == total
    told = len(tiny.events(killed))
    assert tiny.train(killed, run).status == "COMPLETED"
    began = tiny.events(killed)[told]
    assert isinstance(began, protocol.Began)
    assert 0 < began.step < total
    assert tiny.losses(killed)[-(total - began.step) :] == tiny.losses(whole)[began.step :]


def test_a_reward_model_rewards(tmp_path: Path, base: Path, tastes: str, prompts: str) -> None:
    tiny.train(tmp_path / "rewards", tiny.run_of("REWARD_MODEL", base, tastes))
    model = RewardModel(path=str(tmp_path / "rewards" / protocol.MODEL))
    result = tiny.train(tmp_path, tiny.run_of("GRPO", base, prompts, reward=model, steps=2, **_WRITING))
    assert result.status == "COMPLETED", result.error
    assert all(_rewards(tmp_path))


def test_a_run_that_waits_for_rewards_stops_when_asked(tmp_path: Path, base: Path, prompts: str) -> None:
    nobody = config.RewardServer(url="http://127.0.0.1:9", patience_seconds=1_000)
    process = tiny.start(tmp_path, _endless(base, prompts, nobody))
    while not any(isinstance(event, protocol.Warned) for event in tiny.events(tmp_path)):
        assert process.is_alive()
    protocol.ask_to_stop(tmp_path)
    process.join(tiny.SECONDS)
    result = protocol.read_result(tmp_path)
    assert result is not None
    assert (result.status, result.step) == ("STOPPED", 0)


def test_prompts_that_leave_no_room_are_left_out(
    tmp_path: Path, base: Path, prompts: str, reward: config.RewardServer
) -> None:
    long = tiny.write(tmp_path / "long.jsonl", [tiny.line("very " * 200)])
    run = tiny.run_of("GRPO", base, prompts, reward=reward, steps=1, **_WRITING)
    assert tiny.train(tmp_path / "some", structs.replace(run, data=[prompts, long])).status == "COMPLETED"
    assert any(
        "1 of 17 lines" in event.message
        for event in tiny.events(tmp_path / "some")
        if isinstance(event, protocol.Warned)
    )
    refused = tiny.train(tmp_path / "none", structs.replace(run, data=[long]))
    assert refused.error is not None
    assert "raise `max_tokens`" in refused.error


def test_a_reward_server_that_is_gone_fails_the_run_and_a_new_one_lets_it_go_on(
    tmp_path: Path, base: Path, prompts: str
) -> None:
    with run_reward_server(LikesTheLetterE()) as url:
        run = _endless(base, prompts, config.RewardServer(url=url, patience_seconds=0.5))
        process = tiny.start(tmp_path, run)
        tiny.wait_for(process, tmp_path, protocol.Progress, 2)
    process.join(tiny.SECONDS)
    failed = protocol.read_result(tmp_path)
    assert failed is not None
    assert failed.status == "FAILED"
    assert failed.error is not None
    assert "reward server" in failed.error
    told = tiny.events(tmp_path)
    assert any(isinstance(event, protocol.Warned) and "waits for" in event.message for event in told)
    assert isinstance(told[-1], protocol.Saved)
    assert told[-1].step == failed.step >= 2
    with run_reward_server(LikesTheLetterE()) as url:
        again = tiny.start(tmp_path, _endless(base, prompts, config.RewardServer(url=url)))
        tiny.wait_for(again, tmp_path, protocol.Progress, failed.step + 1)
        protocol.ask_to_stop(tmp_path)
        again.join(tiny.SECONDS)
    stopped = protocol.read_result(tmp_path)
    assert stopped is not None
    assert stopped.status == "STOPPED"
