"""Where samples come from: datasets and the log, judged as they are or asked anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.conftest import Pair
from tests.evaluation.judge import PATIENCE, RuleJudge

from tropism import Tropism
from tropism.wire.evaluation import EvaluationJob, EvaluationReport

Upload = Callable[..., str]
PARCEL = "The parcel is in Rome. It left on Monday."


@pytest.fixture
def upload(client: Tropism, use_case: str, tmp_path: Path) -> Upload:
    """Upload lines as a dataset, and return its key."""

    def put(*lines: dict[str, Any], key: str = "lines") -> str:
        file = tmp_path / f"{key}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return client.datasets.upload(file, key, use_case=use_case).key

    return put


def line(question: str, document: str | None = None, completion: str | None = None) -> dict[str, Any]:
    documents = [{"role": "document", "content": document}] if document else []
    said: dict[str, Any] = {"messages": [*documents, {"role": "user", "content": question}]}
    return said if completion is None else {**said, "completion": completion}


def of_dataset(key: str) -> Any:
    return {"datasource": {"dataset": {"dataset": key}}}


def of_log(**chosen: Any) -> Any:
    return {"datasource": {"completions": chosen}}


def evaluated(client: Tropism, use_case: str, *arguments: Any, **more: Any) -> tuple[EvaluationJob, EvaluationReport]:
    job = client.evaluation.jobs.create(*arguments, use_case=use_case, **more)
    done = client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
    assert done.report
    return done, done.report


def test_the_completions_of_a_dataset_are_judged_as_they_are(
    client: Tropism, use_case: str, rules: RuleJudge, upload: Upload
) -> None:
    key = upload(
        line("Where is it?", PARCEL, "The parcel is in Rome. It is blue."), line("When?", PARCEL, "It left on Monday.")
    )
    done, report = evaluated(client, use_case, of_dataset(key), [], rules.key, "faithfulness")
    [scores] = report.models
    assert (scores.model, scores.feedbacks) == (None, 2)
    assert scores.score is not None
    assert scores.score.middle == 0.75
    assert [stage.name for stage in done.stages] == ["log", "judge"]
    assert [(usage.purpose, usage.calls) for usage in report.usage] == [("judge", len(rules.asked))]
    logged = client.interactions.list(filters={"source": ["DATASET"]}, use_case=use_case).nodes
    assert sorted(node.direct_feedbacks[0].value for node in logged) == [0.5, 1.0]
    assert PARCEL in logged[0].messages[0].text, "the log keeps the documents, in the system message"


def test_models_answer_the_lines_of_a_dataset_from_its_documents(
    client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, upload: Upload
) -> None:
    key = upload(*(line(f"The parcel {number} is in Rome", "The parcel is in Rome") for number in range(3)))
    done, report = evaluated(client, use_case, of_dataset(key), [pair.good, pair.poor], rules.key, "faithfulness")
    assert done.estimate.answers == 6
    by_model = {each.model: each for each in report.models}
    good, poor = by_model[pair.good].score, by_model[pair.poor].score
    assert good is not None
    assert poor is not None
    assert good.middle == 0.0, "it repeats the number, which no document holds"
    assert poor.middle == 1.0
    sample = client.evaluation.jobs.samples(done.id, first=1).samples[0]
    assert [message.role for message in sample.messages] == ["system", "user"]
    assert sample.completion == "The parcel 0 is in Rome"


def test_only_the_answers_of_the_named_models_are_judged(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    _, report = evaluated(client, use_case, of_log(), ["echo-b"], rules.key, "answer_relevancy")
    assert [(model.model, model.feedbacks) for model in report.models] == [("echo-b", 7)]


def test_logged_answers_to_the_same_prompt_are_compared(
    client: Tropism, use_case: str, rules: RuleJudge, pair: Pair
) -> None:
    for question in ("Where is my parcel", "When is it there", "Where is my parcel"):
        for model in (pair.good, pair.poor):
            client.chat.create([{"role": "user", "content": question}], model=model, use_case=use_case)
    _, report = evaluated(client, use_case, of_log(), [pair.good, pair.poor], rules.key, "answer_relevancy")
    [compared] = report.comparisons
    assert compared.pairs == 2, "a prompt that was asked twice counts once"
    assert compared.difference.middle == pytest.approx(1 / 3)


def test_the_last_completions_are_the_latest(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    chosen = of_log(selection_type="LAST", max_samples=3)
    done, _ = evaluated(client, use_case, chosen, [], rules.key, "answer_relevancy")
    asked = [sample.messages[-1].content for sample in client.evaluation.jobs.all_samples(done.id)]
    assert asked == logged[-3:]


def test_completions_at_random_are_some_of_those_that_match(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    chosen = of_log(selection_type="RANDOM", max_samples=5, filter={"models": ["echo-a"]})
    done, _ = evaluated(client, use_case, chosen, [], rules.key, "answer_relevancy")
    samples = list(client.evaluation.jobs.all_samples(done.id))
    assert len({sample.completion_id for sample in samples}) == 5
    assert {sample.model for sample in samples} == {"echo-a"}


def test_what_an_evaluation_logged_is_not_evaluated_by_the_next(
    client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, logged: list[str]
) -> None:
    replayed, _ = evaluated(
        client, use_case, of_log(replay_interactions=True), [pair.poor], rules.key, "answer_relevancy"
    )
    again = client.evaluation.jobs.estimate(of_log(), [], rules.key, "answer_relevancy", use_case=use_case)
    assert again.samples == len(logged)
    named = of_log(filter={"source": ["EVALUATION"], "labels": [{"key": "evaluation", "value": [str(replayed.id)]}]})
    found = client.evaluation.jobs.estimate(named, [], rules.key, "answer_relevancy", use_case=use_case)
    assert found.samples == len(logged)


def test_a_replay_asks_for_what_the_application_asked_for(client: Tropism, use_case: str, rules: RuleJudge) -> None:
    client.chat.create(
        [{"role": "user", "content": "one two three four"}], model="echo-a", max_tokens=3, use_case=use_case
    )
    done, _ = evaluated(client, use_case, of_log(replay_interactions=True), ["echo-b"], rules.key, "answer_relevancy")
    [sample] = client.evaluation.jobs.samples(done.id).samples
    assert sample.completion == "one two three"


def test_a_replay_fills_the_gaps_of_a_prompt_as_the_application_did(
    client: Tropism, use_case: str, rules: RuleJudge
) -> None:
    client.models.add_variant("echo-a", key := f"{use_case}-gap", system_prompt="In {{ city }}.")
    client.models.attach(key, wait=True, use_case=use_case)
    ask: Any = [{"role": "user", "content": "one two"}]
    client.chat.create(ask, model="echo-a", system_prompt_args={"city": "Rome"}, use_case=use_case)
    client.chat.create(ask, model="echo-a", use_case=use_case)
    done, _ = evaluated(client, use_case, of_log(replay_interactions=True), [key], rules.key, "answer_relevancy")
    failed, answered = sorted(client.evaluation.jobs.samples(done.id).samples, key=lambda sample: sample.status)
    assert "'city' is undefined" in str(failed.reason)
    assert (failed.completion, answered.completion) == (None, "one two")
    logged = client.interactions.list(filters={"source": ["EVALUATION"]}, use_case=use_case).nodes[0]
    assert (logged.model_version, logged.system_prompt_args) == (1, {"city": "Rome"})


def test_guidelines_have_a_verdict_each_and_a_key_of_their_own(
    client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, logged: list[str]
) -> None:
    key = f"{use_case}-rules"
    custom: Any = {
        "guidelines": [
            {"name": "place", "description": 'The answer says "where".'},
            {"name": "time", "description": 'The answer says "now".'},
        ],
        "feedback_key": key,
    }
    done, report = evaluated(
        client,
        use_case,
        of_log(replay_interactions=True, selection_type="LAST", max_samples=2),
        [pair.good, pair.poor],
        rules.key,
        "custom",
        custom,
    )
    assert [model.score.middle for model in report.models if model.score] == [1.0, 0.5]
    sample = client.evaluation.jobs.samples(done.id, model=pair.poor, first=1).samples[0]
    assert [(part.text, part.holds) for part in sample.parts] == [("place", True), ("time", False)]
    assert key in {each.key for each in client.use_cases.get(use_case).feedback_keys}
    assert client.feedback.get_key(key).scoring_type == "higher_is_better"
