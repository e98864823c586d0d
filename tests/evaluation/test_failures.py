"""What goes wrong while an evaluation runs: counted, shown, and never guessed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.judge import PATIENCE, RuleJudge, eventually

from tropism import Tropism, TropismError
from tropism.engines.protocol import EngineRejected, EngineUnavailable
from tropism.server.domains.evaluation.concurrency import GIVE_UP_AFTER, Breaker
from tropism.server.jobs.protocol import JobFailed

LOG: Any = {"datasource": {"completions": {}}}


def ask(client: Tropism, use_case: str, *questions: str) -> None:
    for question in questions:
        client.chat.create([{"role": "user", "content": question}], model="echo-a", use_case=use_case)


def test_abstentions_and_failures_are_counted_apart_and_have_no_score(
    client: Tropism, use_case: str, rules: RuleJudge
) -> None:
    ask(client, use_case, "one", "please mumble", "please refuse", "two")
    job = client.evaluation.jobs.create(LOG, [], rules.key, "answer_relevancy", use_case=use_case)
    done = client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
    assert done.report
    [scores] = done.report.models
    assert (scores.feedbacks, scores.abstained, scores.failed, scores.pending) == (2, 1, 1, 0)
    assert "Without a score: 1 abstention, 1 failure." in done.report.summary
    by_status = {each.status: each for each in client.evaluation.jobs.all_samples(job.id)}
    assert "no answer of the asked-for shape" in (by_status["abstained"].reason or "")
    assert "not such words" in (by_status["failed"].reason or "")
    for status in ("abstained", "failed"):
        completion_id = by_status[status].completion_id
        assert completion_id
        assert client.interactions.get(completion_id, use_case=use_case).direct_feedbacks == []


def test_a_provider_that_is_busy_is_asked_again(client: Tropism, use_case: str, rules: RuleJudge) -> None:
    ask(client, use_case, "one")
    rules.busy = 1
    job = client.evaluation.jobs.create(LOG, [], rules.key, "answer_relevancy", use_case=use_case)
    report = client.evaluation.jobs.wait(job.id, timeout=PATIENCE).report
    assert report
    assert (report.models[0].feedbacks, len(rules.asked)) == (1, 2)


def test_a_job_in_which_nothing_could_be_judged_has_failed(client: Tropism, use_case: str, rules: RuleJudge) -> None:
    ask(client, use_case, "refuse one", "refuse two")
    job = client.evaluation.jobs.create(LOG, [], rules.key, "answer_relevancy", use_case=use_case)
    with pytest.raises(TropismError, match="2 of 2 answers have no verdict.*not such words"):
        client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
    failed = client.evaluation.jobs.get(job.id)
    assert failed.status == "FAILED"
    assert failed.report
    assert failed.report.partial
    assert failed.report.models[0].failed == 2


def test_a_model_that_is_detached_ends_the_job_and_its_scores_stay(
    client: Tropism, use_case: str, rules: RuleJudge
) -> None:
    ask(client, use_case, *(f"number {number}" for number in range(40)))
    rules.seconds = 0.1
    job = client.evaluation.jobs.create(LOG, [], rules.key, "answer_relevancy", use_case=use_case)
    eventually(lambda: rules.asked)
    client.models.detach(rules.key, use_case=use_case)
    with pytest.raises(TropismError, match=f"model '{rules.key}' was detached"):
        client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
    _is_partial(client, use_case, str(job.id))


def test_a_dataset_that_is_deleted_ends_the_job_and_its_scores_stay(
    client: Tropism, use_case: str, rules: RuleJudge, tmp_path: Path
) -> None:
    lines = [{"messages": [{"role": "user", "content": f"number {n}"}], "completion": f"{n}"} for n in range(40)]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    key = client.datasets.upload(tmp_path / "lines.jsonl", "lines", use_case=use_case).key
    rules.seconds = 0.1
    source: Any = {"datasource": {"dataset": {"dataset": key}}}
    job = client.evaluation.jobs.create(source, [], rules.key, "answer_relevancy", use_case=use_case)
    eventually(lambda: len(rules.asked) > 16)
    client.datasets.delete(key, use_case=use_case)
    with pytest.raises(TropismError, match=f"dataset '{key}' was deleted while it was evaluated"):
        client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
    _is_partial(client, use_case, str(job.id))


def _is_partial(client: Tropism, use_case: str, job_id: str) -> None:
    found = client.evaluation.jobs.get(job_id)
    assert (found.status, found.stages[-1].status) == ("FAILED", "FAILED")
    assert found.report
    [scores] = found.report.models
    assert found.report.partial
    assert scores.pending > 0
    filters: Any = {"source": ["LIVE", "DATASET"], "feedbacks": [{"metric": found.feedback_key}]}
    assert client.interactions.list(filters=filters, use_case=use_case).total_count == scores.feedbacks


def test_an_engine_that_fails_again_and_again_ends_the_job() -> None:
    breaker = Breaker("the judge")
    for _ in range(GIVE_UP_AFTER - 1):
        breaker.failed(EngineUnavailable("it is gone"))
        breaker.failed(EngineRejected("that one is too long"))
    with pytest.raises(JobFailed, match=f"the judge failed on {GIVE_UP_AFTER} samples in a row: it is gone"):
        breaker.failed(EngineUnavailable("it is gone"))
    breaker.worked()
    breaker.failed(EngineUnavailable("it is gone"))
