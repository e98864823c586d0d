"""Evaluation jobs: a judge reads answers, gives each a score with reasons, and models are compared by them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.chat import ChatMessage
from tropism.wire.endpoint import Endpoint
from tropism.wire.interactions import InteractionFilter
from tropism.wire.jobs import JobReference, JobStatus, Stage
from tropism.wire.page import PageInfo
from tropism.wire.values import Key, Name, Reference, Text, Time

Method = Literal["faithfulness", "answer_relevancy", "context_relevancy", "custom"]
Selection = Literal["ALL", "RANDOM", "LAST"]
VerdictStatus = Literal["pending", "scored", "abstained", "failed"]
Purpose = Literal["replay", "judge"]


class FromDataset(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Every line of a dataset."""

    dataset: Reference


class FromCompletions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Logged completions that match `filter`: all, the last `max_samples`, or so many at random.

    They are judged as they are, or with `replay_interactions` their prompts are asked of each model anew. What
    evaluations have logged is left out unless the filter names a `source`.
    """

    selection_type: Selection = "ALL"
    max_samples: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    filter: InteractionFilter | None = None
    replay_interactions: bool = False


class Datasource(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where samples come from: exactly one of `dataset` and `completions`."""

    dataset: FromDataset | None = None
    completions: FromCompletions | None = None


class DataConfig(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is evaluated."""

    datasource: Datasource


class GuidelineInput(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One rule that an answer keeps or does not keep."""

    name: Name
    description: Text


class CustomEvalConfig(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Rules of your own, and the key that scores are logged under: the share of the rules that an answer keeps."""

    guidelines: Annotated[list[GuidelineInput], Meta(min_length=1, max_length=20)]
    feedback_key: Key


class EvaluationCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new evaluation.

    Each of `models` answers every prompt of the source; without models, the completions that a dataset brings are
    judged as they are. For logged completions that are judged as they are, only those of `models` are taken.
    """

    use_case: Reference
    data_config: DataConfig
    judge_model: Reference
    method: Method
    models: Annotated[list[Reference], Meta(max_length=10)] = []
    custom_eval_config: CustomEvalConfig | None = None
    name: Name | None = None
    compute_pool: Reference | None = None


class EvaluationEstimate(Struct, kw_only=True, frozen=True):
    """What an evaluation will take, guessed from the lengths of texts.

    `cost_usd` is that of the models which have prices, and None where none of them has.
    """

    samples: int
    answers: int
    replay_calls: int
    judge_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class EvaluationUsage(Struct, kw_only=True, frozen=True):
    """What one model was asked and has used. Calls that a provider did not count have no tokens here."""

    model: str
    purpose: Purpose
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class ScoreInterval(Struct, kw_only=True, frozen=True):
    """An estimate with its interval, for the sample as it was fixed when the job began."""

    start: float
    middle: float
    end: float


class ModelScore(Struct, kw_only=True, frozen=True):
    """The scores of one model's answers; `model` is None for completions that name none.

    `score` is their mean with its 95 % interval. Abstentions of the judge and failures are counted, and have no score.
    """

    model: str | None
    score: ScoreInterval | None
    feedbacks: int
    abstained: int
    failed: int
    pending: int


class ModelDifference(Struct, kw_only=True, frozen=True):
    """`model` less `other` on the `pairs` of samples (prompts, for completions judged as they are) that both have.

    The intervals of all comparisons hold together with 95 %. `verdict` says which side of zero the interval lies on.
    """

    model: str | None
    other: str | None
    difference: ScoreInterval
    pairs: int
    verdict: Literal["better", "worse", "undecided"]


class EvaluationReport(Struct, kw_only=True, frozen=True):
    """What came out. `partial` says that the job has not judged all that it set out to judge."""

    partial: bool
    models: list[ModelScore]
    comparisons: list[ModelDifference]
    usage: list[EvaluationUsage]
    summary: str


class EvaluationJob(Struct, kw_only=True, frozen=True):
    """An evaluation, how far it is, and what came out. Lists leave the report out."""

    id: UUID
    name: str
    use_case: str
    method: Method
    judge_model: str
    models: list[str]
    feedback_key: str
    data_config: DataConfig
    custom_eval_config: CustomEvalConfig | None
    compute_pool: str
    status: JobStatus
    stages: list[Stage]
    error: str | None
    estimate: EvaluationEstimate
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    report: EvaluationReport | None


class EvaluationJobs(Struct, kw_only=True, frozen=True):
    """Evaluations, newest first."""

    jobs: list[EvaluationJob]


class EvaluationFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which evaluations to list; `after` continues behind the last one of the page before."""

    use_case: Reference
    status: JobStatus | None = None
    after: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class SampleQuery(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which verdicts of a job to show, `first` at a time, after a cursor."""

    job: UUID
    model: Reference | None = None
    status: VerdictStatus | None = None
    min_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    first: Annotated[int, Meta(ge=1, le=100)] = 20
    after: str | None = None


class VerdictPart(Struct, kw_only=True, frozen=True):
    """What a verdict rests on: a claim, a question, a rule. `holds` is None where the judge abstained on it."""

    text: str
    holds: bool | None
    reason: str


class EvaluatedSample(Struct, kw_only=True, frozen=True):
    """One answer and what the judge made of it. `number` is the sample's: models share it where they share a prompt.

    `completion_id` is None where no answer could be got; `reason` then says why.
    """

    number: int
    model: str | None
    completion_id: UUID | None
    messages: list[ChatMessage]
    completion: str | None
    status: VerdictStatus
    score: float | None
    reason: str | None
    parts: list[VerdictPart]


class EvaluatedSamples(Struct, kw_only=True, frozen=True):
    """A page of verdicts, in the order of the samples."""

    samples: list[EvaluatedSample]
    page_info: PageInfo


CREATE = Endpoint(
    method="POST",
    path="/api/v1/evaluation/jobs",
    takes=EvaluationCreate,
    returns=EvaluationJob,
    permission="evaluation:create",
    summary="Start an evaluation",
    status=201,
)
ESTIMATE = Endpoint(
    method="POST",
    path="/api/v1/evaluation/jobs/estimate",
    takes=EvaluationCreate,
    returns=EvaluationEstimate,
    permission="evaluation:create",
    summary="Tell what an evaluation would take; nothing is started",
    replayable=False,
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/evaluation/jobs",
    takes=EvaluationFilter,
    returns=EvaluationJobs,
    permission="evaluation:read",
    summary="List the evaluations of a use case, newest first",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/evaluation/jobs/{job}",
    takes=JobReference,
    returns=EvaluationJob,
    permission="evaluation:read",
    summary="Get an evaluation with its report",
)
SAMPLES = Endpoint(
    method="GET",
    path="/api/v1/evaluation/jobs/{job}/samples",
    takes=SampleQuery,
    returns=EvaluatedSamples,
    permission="evaluation:read",
    summary="Read what the judge made of each sample",
)
CANCEL = Endpoint(
    method="POST",
    path="/api/v1/evaluation/jobs/{job}/cancel",
    takes=JobReference,
    returns=EvaluationJob,
    permission="evaluation:cancel",
    summary="Cancel an evaluation. Scores that are logged stay",
)
