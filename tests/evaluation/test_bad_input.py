"""What cannot be evaluated is refused when the job would be made, with the next step, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.judge import RuleJudge

from tropism import APIStatusError, NotFoundError, Tropism, UnprocessableEntityError

LOG: Any = {"datasource": {"completions": {}}}
RULES: Any = {"guidelines": [{"name": "short", "description": "It is short."}], "feedback_key": "short"}


@pytest.fixture
def dataset(client: Tropism, use_case: str, tmp_path: Path) -> str:
    """A dataset of one prompt with its completion, and no documents."""
    return _upload(client, use_case, tmp_path, {"messages": [{"role": "user", "content": "Hi"}], "completion": "Ho"})


def _upload(client: Tropism, use_case: str, folder: Path, line: dict[str, Any]) -> str:
    (folder / "one.jsonl").write_text(json.dumps(line) + "\n")
    return client.datasets.upload(folder / "one.jsonl", "one", use_case=use_case).key


def refused(client: Tropism, use_case: str, *arguments: Any, **more: Any) -> APIStatusError:
    """The error of the estimate, after checking that starting it gives the same and makes no job."""
    with pytest.raises(APIStatusError) as started:
        client.evaluation.jobs.create(*arguments, **more, use_case=use_case)
    with pytest.raises(APIStatusError) as estimated:
        client.evaluation.jobs.estimate(*arguments, **more, use_case=use_case)
    assert str(started.value) == str(estimated.value)
    assert client.evaluation.jobs.list(use_case=use_case) == []
    return started.value


@pytest.mark.parametrize(
    ("judge", "kind", "message"),
    [
        ("nobody", NotFoundError, "no model 'nobody'"),
        ("echo-c", NotFoundError, "attach it with models.attach('echo-c')"),
    ],
)
def test_the_judge_must_be_an_attached_model(
    client: Tropism, use_case: str, logged: list[str], judge: str, kind: type[APIStatusError], message: str
) -> None:
    error = refused(client, use_case, LOG, [], judge, "answer_relevancy")
    assert isinstance(error, kind)
    assert message in str(error)
    assert error.param == "judge_model"


def test_the_judge_must_be_able_to_chat(client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]) -> None:
    embedding = RuleJudge(rules.upstream)
    embedding.attach(client, use_case, kind="Embedding")
    error = refused(client, use_case, LOG, [], embedding.key, "answer_relevancy")
    assert "it cannot chat" in str(error)
    assert error.param == "judge_model"


def test_models_that_answer_must_be_attached(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    replay: Any = {"datasource": {"completions": {"replay_interactions": True}}}
    error = refused(client, use_case, replay, ["echo-c"], rules.key, "answer_relevancy")
    assert "attach it with models.attach('echo-c')" in str(error)
    assert error.param == "models"
    assert "name the `models`" in str(refused(client, use_case, replay, [], rules.key, "answer_relevancy"))
    twice = refused(client, use_case, replay, ["echo-a", "echo-a"], rules.key, "answer_relevancy")
    assert "twice" in str(twice)
    assert "no model 'nobody'" in str(refused(client, use_case, LOG, ["nobody"], rules.key, "answer_relevancy"))


def test_an_unknown_method_is_refused(client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]) -> None:
    error = refused(client, use_case, LOG, [], rules.key, "beauty")
    assert isinstance(error, UnprocessableEntityError)
    assert "beauty" in str(error)


def test_guidelines_go_with_custom_and_with_nothing_else(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    assert "needs a `custom_eval_config`" in str(refused(client, use_case, LOG, [], rules.key, "custom"))
    assert "belong to the method 'custom'" in str(
        refused(client, use_case, LOG, [], rules.key, "answer_relevancy", RULES)
    )
    none = {**RULES, "guidelines": []}
    assert "guidelines" in (refused(client, use_case, LOG, [], rules.key, "custom", none).param or "")


def test_a_key_that_takes_no_scores_is_refused(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    custom = {**RULES, "feedback_key": f"{use_case}-thumbs"}
    error = refused(client, use_case, LOG, [], rules.key, "custom", custom)
    assert "take another key" in str(error)
    assert error.param == "custom_eval_config.feedback_key"


def test_a_filter_that_finds_nothing_is_refused(client: Tropism, use_case: str, rules: RuleJudge) -> None:
    error = refused(client, use_case, LOG, [], rules.key, "answer_relevancy")
    assert "no logged completion matches" in str(error)


def test_some_completions_need_a_number(client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]) -> None:
    some: Any = {"datasource": {"completions": {"selection_type": "RANDOM"}}}
    assert "needs `max_samples`" in str(refused(client, use_case, some, [], rules.key, "answer_relevancy"))


def test_there_is_one_source(client: Tropism, use_case: str, rules: RuleJudge, dataset: str) -> None:
    both: Any = {"datasource": {"completions": {}, "dataset": {"dataset": dataset}}}
    neither: Any = {"datasource": {}}
    for source in (both, neither):
        assert "exactly one" in str(refused(client, use_case, source, [], rules.key, "answer_relevancy"))


def test_a_dataset_that_is_not_there_is_refused(client: Tropism, use_case: str, rules: RuleJudge) -> None:
    source: Any = {"datasource": {"dataset": {"dataset": "nowhere"}}}
    error = refused(client, use_case, source, [], rules.key, "answer_relevancy")
    assert isinstance(error, NotFoundError)
    assert "datasets.upload" in str(error)


@pytest.mark.parametrize("method", ["faithfulness", "context_relevancy"])
def test_methods_that_read_documents_need_some(
    client: Tropism, use_case: str, rules: RuleJudge, dataset: str, logged: list[str], method: str
) -> None:
    error = refused(client, use_case, {"datasource": {"dataset": {"dataset": dataset}}}, [], rules.key, method)
    assert "no documents" in str(error)
    assert "role 'document'" in str(error)
    assert "<document>" in str(refused(client, use_case, LOG, [], rules.key, method))


def test_prompts_alone_need_models(client: Tropism, use_case: str, rules: RuleJudge, tmp_path: Path) -> None:
    key = _upload(client, use_case, tmp_path, {"messages": [{"role": "user", "content": "Hi"}]})
    source: Any = {"datasource": {"dataset": {"dataset": key}}}
    assert "name the `models`" in str(refused(client, use_case, source, [], rules.key, "answer_relevancy"))


def test_preferences_are_no_answers_to_score(client: Tropism, use_case: str, rules: RuleJudge, tmp_path: Path) -> None:
    sides = {"preferred_completion": "a", "other_completion": "b", "feedback_key": f"{use_case}-stars"}
    key = _upload(client, use_case, tmp_path, {"messages": [{"role": "user", "content": "Hi"}], **sides})
    source: Any = {"datasource": {"dataset": {"dataset": key}}}
    assert "preferences" in str(refused(client, use_case, source, [], rules.key, "answer_relevancy"))


def test_an_unknown_job_is_not_found(client: Tropism, use_case: str) -> None:
    nobody = "01a20595-8619-74cc-afb9-eef95d7a49d9"
    for operation in (client.evaluation.jobs.get, client.evaluation.jobs.cancel, client.evaluation.jobs.samples):
        with pytest.raises(NotFoundError, match="jobs.list"):
            operation(nobody)


def test_a_pool_that_is_not_there_is_refused(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    with pytest.raises(NotFoundError, match="no compute pool 'gpu'"):
        client.evaluation.jobs.create(LOG, [], rules.key, "answer_relevancy", compute_pool="gpu", use_case=use_case)
    assert client.evaluation.jobs.list(use_case=use_case) == []
