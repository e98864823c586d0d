"""From what is logged to a child that answers: on a tiny model, by every method. Needs the extra `train`."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

pytest.importorskip("torch", reason="trainers need the extra `train`")

from tests.chat.upstream import Upstream, eventually, run_upstream
from tests.evaluation.judge import RuleJudge
from tests.evaluation.test_kill import workers
from tests.training.conftest import BASE

from tropism import Tropism
from tropism.rewards import Request, RewardServer
from tropism.rewards.testing import run_reward_server
from tropism.sdk.errors import TropismError
from tropism.server.processes.low_priority import NICENESS
from tropism.testing import RunningServer
from tropism.wire.training import TrainingJob

pytestmark = pytest.mark.train

SECONDS = 400.0
ANSWER = "It is blue today."
QUESTION: Any = [{"role": "user", "content": "What is 3?"}]


@pytest.fixture(scope="module")
def engine(tiny_engine: RunningServer) -> RunningServer:
    """The log of its use case `default`: each question was answered well and badly, rated and compared."""
    with Tropism(tiny_engine.base_url, tiny_engine.api_key) as client:
        client.feedback.register_key("stars")
        client.feedback.link("stars", use_case="default")
        for number in range(40):
            made = client.interactions.create(
                completion=ANSWER,
                messages=[{"role": "user", "content": f"What is {number}?"}],
                feedbacks=[{"feedback_key": "stars", "value": 5}],
                use_case="default",
            )
            poor = client.interactions.create(
                completion="user user user",
                messages=[{"role": "user", "content": f"What is {number}?"}],
                feedbacks=[{"feedback_key": "stars", "value": 1}],
                use_case="default",
            )
            client.feedback.log_preference(
                "stars", str(made.completion_id), str(poor.completion_id), use_case="default"
            )
    return tiny_engine


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture
def learner(engine: RunningServer) -> Iterator[Tropism]:
    with Tropism(engine.base_url, engine.api_key) as client:
        client.set_default_use_case("default")
        yield client


def config(output: str, method: str, objective: dict[str, Any], **rest: Any) -> Any:
    """A short training with big steps; `rest` are of the metadata, `params` and `sample`."""
    params = {"learning_rate": 5e-3, "batch_size": 8, "num_validations": 2} | rest.pop("params", {})
    sample = {"datasource": {"completions": {}}} | rest.pop("sample", {})
    return {
        "output_name": output,
        "training_config": {
            "base_training_params": params,
            "training_metadata": {"alignment_method": method, **rest},
            "training_objective": objective,
        },
        "sample_config": sample,
    }


GOOD = {"metric": {"metric_key": "stars", "metric_metadata": {"scalar_metric": {"threshold": 4}}}}


def answer(client: Tropism, model: str) -> str:
    client.models.attach(model, wait=True)
    return client.chat.create(QUESTION, model=model, temperature=0, max_tokens=24).choices[0].message.content


@pytest.fixture(scope="module")
def child(engine: RunningServer) -> TrainingJob:
    """An adapter that imitates the good answers."""
    with Tropism(engine.base_url, engine.api_key) as client:
        wanted = config("Blue", "SFT", GOOD, params={"num_epochs": 6})
        return client.training.jobs.create(BASE, wanted, wait=True, use_case="default")


def test_an_adapter_learns_and_answers_beside_its_parent(learner: Tropism, child: TrainingJob) -> None:
    before = answer(learner, BASE)
    assert child.output_model == "blue"
    assert answer(learner, "blue").startswith(ANSWER)
    assert answer(learner, BASE) == before
    assert not before.startswith(ANSWER)
    model = learner.models.get("blue")
    assert (model.is_adapter, model.backbone, model.training_job) == (True, BASE, child.id)


def test_a_training_tells_how_it_went(learner: Tropism, child: TrainingJob) -> None:
    seen = learner.training.jobs.get(child.id)
    assert [stage.status for stage in seen.stages] == ["COMPLETED"] * 4
    assert seen.samples == 80
    train = seen.stages[1]
    assert train.processed == train.total == len(seen.curve) == 30
    assert seen.curve[-1].loss is not None
    assert seen.curve[0].loss is not None
    assert seen.curve[-1].loss < seen.curve[0].loss
    assert [each.step for each in seen.validations] == [0, 15, 30]
    assert seen.checkpoints[-1].step == 30
    assert seen.outcome
    assert seen.outcome.after["loss"] < seen.outcome.before["loss"]
    assert seen.outcome.parity["best"] > 0.9 * seen.outcome.parity["tokens"]
    assert {"torch", "trl", "tropism"} <= seen.outcome.versions.keys()


def test_a_child_is_tested_against_its_parent(learner: Tropism, child: TrainingJob) -> None:
    for model in (BASE, "blue"):
        learner.models.attach(model, wait=True)
    learner.ab_tests.create("blue-or-not", "stars", [BASE, "blue"])
    for _ in range(12):
        made = learner.chat.create(QUESTION, temperature=0, max_tokens=24)
        said = made.choices[0].message.content
        assert said.startswith(ANSWER) == (made.model == "blue"), "each request is answered by the model that is named"
        learner.feedback.log_metric(5 if said.startswith(ANSWER) else 1, made.choices[0].completion_id, "stars")
    assert learner.ab_tests.get("blue-or-not").report.feedbacks == 12
    learner.ab_tests.cancel("blue-or-not")


def test_a_child_of_an_adapter_begins_where_its_parent_ended(learner: Tropism, child: TrainingJob) -> None:
    job = learner.training.jobs.create("blue", config("Bluer", "SFT", GOOD), wait=True)
    assert learner.models.get("bluer").backbone == BASE
    assert job.validations[0].loss is not None
    assert child.validations[0].loss is not None
    assert job.validations[0].loss < child.validations[0].loss
    assert answer(learner, "bluer").startswith(ANSWER)
    assert answer(learner, "blue").startswith(ANSWER)


def test_a_terminated_adapter_leaves_the_others_in_their_places(learner: Tropism, child: TrainingJob) -> None:
    learner.training.jobs.create(BASE, config("Other", "SFT", GOOD, params={"learning_rate": 1e-6}), wait=True)
    other = answer(learner, "other")
    assert not other.startswith(ANSWER)
    assert answer(learner, "blue").startswith(ANSWER)
    learner.models.terminate("blue", force=True)
    assert learner.models.get("blue").online == "OFFLINE"
    with pytest.raises(TropismError, match="not deployed"):
        learner.chat.create(QUESTION, model="blue")
    assert answer(learner, "other") == other
    assert answer(learner, "blue").startswith(ANSWER)


def test_preferences_are_learnt(learner: Tropism, child: TrainingJob) -> None:
    wanted = config("Preferred", "DPO", {"metric": {"metric_key": "stars"}}, sample={"feedback_type": "PREFERENCE"})
    job = learner.training.jobs.create(BASE, wanted, wait=True)
    assert job.samples == 40
    assert job.outcome
    assert job.outcome.after["rewards/accuracies"] > job.outcome.before["rewards/accuracies"]
    assert answer(learner, "preferred")


def test_full_weights_are_a_model_of_their_own(learner: Tropism, child: TrainingJob) -> None:
    wanted = config("Whole", "SFT", GOOD, training_type="FULL_WEIGHTS", params={"num_epochs": 6})
    learner.training.jobs.create(BASE, wanted, wait=True)
    model = learner.models.get("whole")
    assert (model.is_adapter, model.backbone, model.trainable) == (False, None, True)
    assert answer(learner, "whole").startswith(ANSWER)


class Blue(RewardServer):
    """The share of letters that are a b."""

    def score(self, request: Request) -> float:
        return request.completion.count("b") / max(1, len(request.completion))


@dataclass
class Wanted:
    """What no logged interaction brings."""

    letter: str


class Picky(RewardServer[Wanted]):
    """Takes nothing without a letter."""

    def score(self, request: Request[Wanted]) -> float:
        return float(request.metadata.letter in request.completion)


def test_rewards_of_a_server_are_earned(learner: Tropism, child: TrainingJob) -> None:
    steps = {"grpo": {"steps": 3, "max_completion_tokens": 8, "group_size": 4}}
    with run_reward_server(Blue()) as url:
        learner.reward_servers.add(url, "blue-letters")
        wanted = config("Rewarded", "GRPO", {"reward_server": {"remote_env": "blue-letters"}}, parameters=steps)
        job = learner.training.jobs.create(BASE, wanted, wait=True)
    assert [each.step for each in job.curve] == [1, 2, 3]
    assert all(each.reward is not None and each.kl is not None for each in job.curve)
    assert answer(learner, "rewarded") is not None


def test_a_judge_gives_rewards(learner: Tropism, upstream: Upstream, child: TrainingJob) -> None:
    judge = RuleJudge(upstream)
    steps = {"grpo": {"steps": 2, "max_completion_tokens": 12, "group_size": 4, "temperature": 0.7}}
    rules = [{"name": "blue", "description": 'The answer says "blue".'}]
    objective = {"guidelines": {"judge_model": judge.attach(learner, "default"), "judge_model_prompt": rules}}
    job = learner.training.jobs.create("blue", config("Judged", "GRPO", objective, parameters=steps), wait=True)
    assert len(judge.asked) >= 2 * 8, "every completion is judged"
    assert job.curve[0].reward is not None
    assert job.curve[0].reward > 0.5, "its parent says blue"
    assert learner.models.get("judged").backbone == BASE


def test_metadata_that_a_reward_server_does_not_take_ends_the_job_early(learner: Tropism, child: TrainingJob) -> None:
    with run_reward_server(Picky()) as url:
        learner.reward_servers.add(url, "picky")
        wanted = config(
            "Unrewarded", "GRPO", {"reward_server": {"remote_env": "picky"}}, parameters={"grpo": {"steps": 3}}
        )
        job = learner.training.jobs.create(BASE, wanted)
        with pytest.raises(TropismError, match="metadata of sample 0"):
            learner.training.jobs.wait(job.id, timeout=SECONDS)
    assert learner.training.jobs.get(job.id).curve == []


def test_a_metric_gives_rewards_through_a_model_of_them(learner: Tropism, child: TrainingJob) -> None:
    steps = {"ppo": {"steps": 2, "max_completion_tokens": 8}}
    objective = {"metric": {"metric_key": "stars"}}
    wanted = config("By stars", "PPO", objective, parameters=steps, params={"num_epochs": 4})
    job = learner.training.jobs.create(BASE, wanted, wait=True)
    assert [stage.name for stage in job.stages] == ["samples", "reward_model", "train", "export", "register"]
    assert {each.part for each in job.curve} == {"reward_model", "train"}
    assert any("held-out pairs" in line.message for line in learner.jobs.logs(job.id))


FULL: Any = {"training_type": "FULL_WEIGHTS", "params": {"learning_rate": 1e-4}}
STARS = {"metric": {"metric_key": "stars"}}
FEW = {"datasource": {"completions": {"selection_type": "RANDOM", "max_samples": 16}}}
COMPARED = {"datasource": {"completions": {}}, "feedback_type": "PREFERENCE"}


@pytest.mark.parametrize(
    ("method", "objective", "sample"),
    [("DPO", STARS, {}), ("GRPO", STARS, COMPARED), ("PPO", "server", FEW), ("PPO", "judge", FEW)],
)
def test_what_no_other_test_trains_is_trained_on_all_weights(
    learner: Tropism, upstream: Upstream, child: TrainingJob, method: str, objective: Any, sample: dict[str, Any]
) -> None:
    rewarded = {} if method == "DPO" else {"parameters": {method.lower(): {"steps": 2, "max_completion_tokens": 8}}}
    with run_reward_server(Blue()) as url:
        if objective == "server":
            learner.reward_servers.add(url, "more-blue-letters")
            objective = {"reward_server": {"remote_env": "more-blue-letters"}}
        elif objective == "judge":
            rules = [{"name": "blue", "description": 'The answer says "blue".'}]
            judge = RuleJudge(upstream).attach(learner, "default")
            objective = {"guidelines": {"judge_model": judge, "judge_model_prompt": rules}}
        wanted = config(f"Whole by {uuid4().hex[:8]}", method, objective, sample=sample, **FULL, **rewarded)
        job = learner.training.jobs.create(BASE, wanted, wait=True)
    trained = [each for each in job.curve if each.part == "train"]
    assert len(trained) == trained[-1].total
    assert all(each.loss is not None and each.eta_seconds is not None and each.memory_bytes for each in trained)
    assert all((each.kl is not None) == (method != "DPO") for each in trained)
    assert any(each.tokens_per_second for each in trained)
    assert job.output_model
    model = learner.models.get(job.output_model)
    assert (model.is_adapter, model.backbone) == (False, None)


ENDLESS = {"num_epochs": 500, "learning_rate": 1e-4}


def test_a_canceled_training_keeps_its_last_checkpoint(
    learner: Tropism, engine: RunningServer, child: TrainingJob
) -> None:
    job = learner.training.jobs.create(BASE, config("Never", "SFT", GOOD, params=ENDLESS))
    eventually(lambda: bool(learner.training.jobs.get(job.id).curve), seconds=SECONDS)
    assert learner.training.jobs.cancel(job.id).status == "CANCELED"
    folder = engine.data / "training" / str(job.id) / "train"
    eventually(lambda: (folder / "result.json").exists(), seconds=SECONDS)
    eventually(lambda: bool(learner.training.jobs.get(job.id).checkpoints), seconds=SECONDS)
    [kept] = learner.training.jobs.get(job.id).checkpoints
    assert (folder / "checkpoints" / f"checkpoint-{kept.step}" / "COMPLETE").exists()
    assert learner.models.list({"view_all": True})
    assert "never" not in {model.key for model in learner.models.list({"view_all": True})}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the worker is found in the process table")
def test_a_killed_worker_goes_on_from_the_last_checkpoint(
    learner: Tropism, engine: RunningServer, child: TrainingJob
) -> None:
    wanted = config("Survivor", "SFT", GOOD, params={"num_epochs": 20})
    job = learner.training.jobs.create(BASE, wanted)
    eventually(lambda: bool(learner.training.jobs.get(job.id).checkpoints), seconds=SECONDS)
    for worker in workers(engine.data):
        os.kill(worker, signal.SIGKILL)
    done = learner.training.jobs.wait(job.id, timeout=SECONDS)
    assert learner.jobs.get(job.id).attempt == 2
    begun = [line.message for line in learner.jobs.logs(job.id) if line.message.startswith("begins at step")]
    assert begun[0].startswith("begins at step 0 ")
    assert not begun[-1].startswith("begins at step 0 ")
    assert [each.step for each in done.curve] == list(range(1, len(done.curve) + 1)), "each step is there once"
    assert len(done.curve) == done.stages[1].total == done.stages[1].processed
    assert answer(learner, "survivor").startswith(ANSWER)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the trainer is found in the process table")
def test_a_killed_trainer_goes_on_in_the_same_attempt(learner: Tropism, child: TrainingJob) -> None:
    job = learner.training.jobs.create(BASE, config("Again", "SFT", GOOD, params={"num_epochs": 20}))
    eventually(lambda: bool(learner.training.jobs.get(job.id).checkpoints), seconds=SECONDS)
    [trainer] = [
        int(folder.name) for folder in Path("/proc").glob("[0-9]*") if f"{job.id}/train".encode() in _command(folder)
    ]
    assert os.getpriority(os.PRIO_PROCESS, trainer) >= NICENESS
    if (session := Path(f"/proc/{trainer}/autogroup")).exists():
        assert session.read_text().endswith(f"nice {NICENESS}\n")
    os.kill(trainer, signal.SIGKILL)
    done = learner.training.jobs.wait(job.id, timeout=SECONDS)
    assert learner.jobs.get(job.id).attempt == 1
    assert any("ended with code -9" in line.message for line in learner.jobs.logs(job.id))
    assert [each.step for each in done.curve] == list(range(1, len(done.curve) + 1))


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""
