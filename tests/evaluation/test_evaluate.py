"""An evaluation from its creation to its report, on both faces of the SDK."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from tests.conftest import Both
from tests.evaluation.conftest import Pair
from tests.evaluation.judge import PATIENCE, RuleJudge, eventually

from tropism import Tropism
from tropism.wire.evaluation import EvaluationJob
from tropism.wire.interactions import Interaction

REPLAY: Any = {"datasource": {"completions": {"replay_interactions": True}}}
AS_THEY_ARE: Any = {"datasource": {"completions": {"selection_type": "ALL"}}}


def feedback_of(client: Tropism, job: EvaluationJob, source: str) -> dict[str, list[float]]:
    """The scores in the log, by model: the recount."""
    found: dict[str, list[float]] = {}
    for node in logged_by(client, job, source):
        for each in node.direct_feedbacks:
            assert each.feedback_key == job.feedback_key
            found.setdefault(node.model or "", []).append(each.value)
    return found


def logged_by(client: Tropism, job: EvaluationJob, source: str) -> list[Interaction]:
    filters: Any = {"source": [source], "feedbacks": [{"metric": job.feedback_key}]}
    return list(client.interactions.list_all(filters=filters, use_case=job.use_case))


def test_models_are_compared_on_the_prompts_of_the_log(
    call: Both, client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, logged: list[str]
) -> None:
    models = [pair.good, pair.poor]
    job = call("evaluation.jobs.create", REPLAY, models, rules.key, "answer_relevancy", name="Two", use_case=use_case)
    assert (job.name, job.method, job.judge_model, job.models) == ("Two", "answer_relevancy", rules.key, models)
    assert [stage.name for stage in job.stages] == ["replay", "judge"]
    assert (job.estimate.samples, job.estimate.answers, job.estimate.judge_calls) == (20, 40, 40)
    done = call("evaluation.jobs.wait", job.id, timeout=PATIENCE)
    assert done.status == "COMPLETED"
    assert [(stage.processed, stage.total) for stage in done.stages] == [(40, 40), (40, 40)]
    good, poor = done.report.models
    assert (good.score.middle, good.feedbacks, good.abstained, good.failed, good.pending) == (1.0, 20, 0, 0, 0)
    assert poor.score.middle == 2 / 3, "it answers and is focused, but leaves most out"
    assert good.score.start < 1, "twenty scores of one are no certainty"
    [compared] = done.report.comparisons
    assert (compared.model, compared.other, compared.pairs, compared.verdict) == (pair.good, pair.poor, 20, "better")
    assert not done.report.partial
    assert len(call("evaluation.jobs.samples", job.id, first=100).samples) == 40
    recount = feedback_of(client, done, "EVALUATION")
    assert {model.model: model.score.middle for model in done.report.models} == {
        key: fmean(values) for key, values in recount.items()
    }
    assert {len(values) for values in recount.values()} == {20}


def test_what_was_used_is_counted(
    client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, logged: list[str]
) -> None:
    job = client.evaluation.jobs.create(REPLAY, [pair.good], rules.key, "answer_relevancy", use_case=use_case)
    report = client.evaluation.jobs.wait(job.id, timeout=PATIENCE).report
    assert report is not None
    replayed, judged = report.usage
    assert (replayed.model, replayed.purpose, replayed.calls) == (pair.good, "replay", 20)
    assert replayed.prompt_tokens == sum(len(question.split()) for question in logged)
    assert (judged.model, judged.purpose, judged.calls) == (rules.key, "judge", len(rules.asked))
    assert (judged.prompt_tokens, judged.completion_tokens) == (100 * judged.calls, 20 * judged.calls)
    assert judged.cost_usd is None


def test_money_is_estimated_and_counted_where_a_model_has_prices(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    client.models.update_prices(rules.key, {"input_per_million": 10.0, "output_per_million": 100.0})
    job = client.evaluation.jobs.create(AS_THEY_ARE, [], rules.key, "answer_relevancy", use_case=use_case)
    assert job.estimate.cost_usd is not None
    report = client.evaluation.jobs.wait(job.id, timeout=PATIENCE).report
    assert report is not None
    [judged] = report.usage
    assert judged.cost_usd is not None
    assert round(judged.cost_usd, 9) == round(judged.calls * (100 * 10 + 20 * 100) / 1e6, 9)


def test_a_verdict_carries_the_reasons_of_the_judge(
    client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, logged: list[str]
) -> None:
    job = client.evaluation.jobs.create(REPLAY, [pair.poor], rules.key, "answer_relevancy", use_case=use_case)
    client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
    page = client.evaluation.jobs.samples(job.id, model=pair.poor, status="scored", max_score=0.9, first=5)
    assert [sample.number for sample in page.samples] == [0, 1, 2, 3, 4]
    following = client.evaluation.jobs.samples(job.id, first=100, after=page.page_info.end_cursor)
    assert [sample.number for sample in following.samples] == list(range(5, 20))
    assert not following.page_info.has_next_page
    sample = page.samples[0]
    assert (sample.model, sample.completion, sample.status) == (pair.poor, "Where is", "scored")
    assert [(part.text, part.holds) for part in sample.parts][1] == ("covers every part of the question", False)
    assert client.evaluation.jobs.samples(job.id, min_score=0.9).samples == []
    assert sample.completion_id
    [logged_score] = client.interactions.get(sample.completion_id, use_case=use_case).direct_feedbacks
    assert logged_score.value == sample.score
    assert logged_score.details == (
        "by its words\n+ gives what was asked for\n- covers every part of the question\n"
        "+ adds nothing that was not asked for"
    )


def test_evaluations_are_listed_newest_first(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    made = [
        client.evaluation.jobs.create(AS_THEY_ARE, [], rules.key, "answer_relevancy", use_case=use_case).id
        for _ in range(2)
    ]
    for id in made:
        states = list(client.evaluation.jobs.watch(id))
        assert states[-1].status == "COMPLETED"
    found = client.evaluation.jobs.list(use_case=use_case)
    assert [job.id for job in found] == made[::-1]
    assert [job.report for job in found] == [None, None]
    assert [job.id for job in client.evaluation.jobs.list(after=made[1], use_case=use_case)] == made[:1]
    assert client.evaluation.jobs.list("FAILED", use_case=use_case) == []
    assert {job.id for job in client.jobs.list("evaluation", use_case=use_case)} == set(made)


def test_the_same_question_is_paid_for_once(
    client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    for question in logged:
        client.chat.create([{"role": "user", "content": question}], model="echo-a", use_case=use_case)
    job = client.evaluation.jobs.create(AS_THEY_ARE, [], rules.key, "answer_relevancy", use_case=use_case)
    report = client.evaluation.jobs.wait(job.id, timeout=PATIENCE).report
    assert report is not None
    assert sum(model.feedbacks for model in report.models) == 40
    assert sorted(set(rules.asked)) == sorted(rules.asked)
    assert len(rules.asked) == 20


def test_an_evaluation_can_be_canceled_while_the_judge_thinks(
    call: Both, client: Tropism, use_case: str, rules: RuleJudge, logged: list[str]
) -> None:
    rules.seconds = 30
    job = call("evaluation.jobs.create", AS_THEY_ARE, [], rules.key, "answer_relevancy", use_case=use_case)
    eventually(lambda: rules.asked)
    canceled = call("evaluation.jobs.cancel", job.id)
    assert canceled.status == "CANCELED"
    assert canceled.report.partial
    assert canceled.report.models[0].pending > 0
