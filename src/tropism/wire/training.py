"""Training jobs: a model learns from interactions, feedback or rewards, and its child is registered to be attached."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.evaluation import Datasource, GuidelineInput
from tropism.wire.jobs import JobReference, JobStatus, Stage
from tropism.wire.values import Name, Reference, Time

TrainingType = Literal["PARAMETER_EFFICIENT", "FULL_WEIGHTS"]
AlignmentMethod = Literal["SFT", "DPO", "PPO", "GRPO"]
FeedbackType = Literal["DIRECT", "PREFERENCE"]
Temperature = Annotated[float, Meta(gt=0, le=2, description="How freely completions are written.")]
CompletionTokens = Annotated[int, Meta(ge=1, le=8192, description="The longest completion that is written.")]
Coefficient = Annotated[float, Meta(gt=0, le=100, description="What it costs to move away from the parent.")]
Steps = Annotated[int, Meta(ge=1, le=100_000, description="How many batches are written, rewarded and learnt from.")]


class BaseTrainingParams(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What every method takes. `num_epochs` is how often SFT and DPO see each sample; PPO and GRPO count `steps`."""

    learning_rate: Annotated[float, Meta(gt=0, le=1)] = 1e-5
    num_epochs: Annotated[int, Meta(ge=1, le=1000)] = 1
    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 32
    num_validations: Annotated[int, Meta(ge=0, le=1000)] = 10
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0


class DpoParameters(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Of DPO. Without a `kl_div_coeff` it is 0.1."""

    kl_div_coeff: Coefficient | None = None


class PpoParameters(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Of PPO. Without a `kl_div_coeff` it is 0.02."""

    steps: Steps
    kl_div_coeff: Coefficient | None = None
    max_completion_tokens: CompletionTokens = 128
    temperature: Temperature = 1.0


class GrpoParameters(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Of GRPO, which writes `group_size` completions to each prompt. Without a `kl_div_coeff` it is 0.02."""

    steps: Steps
    kl_div_coeff: Coefficient | None = None
    max_completion_tokens: CompletionTokens = 128
    temperature: Temperature = 1.0
    group_size: Annotated[int, Meta(ge=2, le=1024)] = 4


class MethodParameters(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The parameters of the method that is used, and of no other. PPO and GRPO need theirs, for `steps`."""

    dpo: DpoParameters | None = None
    ppo: PpoParameters | None = None
    grpo: GrpoParameters | None = None


class TrainingMetadata(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which weights learn, and how. PARAMETER_EFFICIENT trains an adapter, which shares the engine of its backbone."""

    alignment_method: AlignmentMethod
    training_type: TrainingType = "PARAMETER_EFFICIENT"
    parameters: MethodParameters | None = None


class SftObjective(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Imitate every completion of the samples."""


class ScalarMetric(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """For SFT: completions are imitated whose value is as good as `threshold`, or better."""

    threshold: float | None = None


class MetricMetadata(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """More on a metric."""

    scalar_metric: ScalarMetric | None = None


class MetricObjective(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Become better by the feedback of a key that is linked to the use case."""

    metric_key: Reference
    metric_metadata: MetricMetadata | None = None


class GuidelinesObjective(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Follow rules, as a judge sees it."""

    judge_model: Reference
    judge_model_prompt: Annotated[list[GuidelineInput], Meta(min_length=1, max_length=20)]


class RewardServerObjective(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Earn rewards of a registered reward server."""

    remote_env: Reference


class TrainingObjective(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is learnt: exactly one of these."""

    sft: SftObjective | None = None
    metric: MetricObjective | None = None
    guidelines: GuidelinesObjective | None = None
    reward_server: RewardServerObjective | None = None


class TrainingConfig(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How to train, and towards what."""

    training_metadata: TrainingMetadata
    training_objective: TrainingObjective
    base_training_params: BaseTrainingParams = BaseTrainingParams()


class SampleConfig(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is learnt from: completions with their values (DIRECT), or pairs that were compared (PREFERENCE)."""

    datasource: Datasource
    feedback_type: FeedbackType = "DIRECT"


class TrainingJobConfig(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """All of a training. The key of the child is made from `output_name`."""

    output_name: Name
    training_config: TrainingConfig
    sample_config: SampleConfig


class TrainingCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new training of `model`."""

    use_case: Reference
    model: Reference
    config: TrainingJobConfig
    name: Name | None = None
    compute_pool: Reference | None = None


class TrainingProgress(Struct, kw_only=True, frozen=True):
    """A step of a trainer. `loss` is what was minimised, `kl` the distance from the parent; None is not measured.

    `part` is `train`, or `reward_model` for the model of rewards that PPO and GRPO need to learn from a metric.
    `metrics` holds what else the method measures.
    """

    part: str
    step: int
    total: int
    at: Time
    loss: float | None
    learning_rate: float | None
    reward: float | None
    kl: float | None
    tokens_per_second: float | None
    eta_seconds: float | None
    memory_bytes: int | None
    metrics: dict[str, float]


class TrainingValidation(Struct, kw_only=True, frozen=True):
    """What held-out samples said after a step; step 0 is the parent."""

    part: str
    step: int
    at: Time
    loss: float | None
    metrics: dict[str, float]


class Checkpoint(Struct, kw_only=True, frozen=True):
    """A state that a worker goes on from when the one before it has died."""

    part: str
    step: int
    at: Time


class TrainingOutcome(Struct, kw_only=True, frozen=True):
    """What came out, for whoever wants to know where a model is from.

    `before` and `after` are the first and the last validation. `samples_sha256` is the digest of the samples,
    `versions` are of the packages that trained. `parity` says how well the engine agrees with the trainer, which judged
    each token that the engine chose: how many of them are its own `best`, and by how many nats the worst is not.
    """

    steps: int
    seconds: float
    peak_memory_bytes: int
    samples_sha256: str | None
    before: dict[str, float]
    after: dict[str, float]
    parity: dict[str, float]
    versions: dict[str, str]


class TrainingJob(Struct, kw_only=True, frozen=True):
    """A training, how far it is, and what came of it. `model` is the parent, `output_model` the registered child.

    `curve` holds at most a few hundred steps, evenly spread, `validations` every one. Lists leave both out.
    """

    id: UUID
    name: str
    use_case: str
    model: str
    output_name: str
    output_model: str | None
    config: TrainingJobConfig
    compute_pool: str
    status: JobStatus
    stages: list[Stage]
    error: str | None
    samples: int | None
    progress: TrainingProgress | None
    curve: list[TrainingProgress]
    validations: list[TrainingValidation]
    checkpoints: list[Checkpoint]
    outcome: TrainingOutcome | None
    created_at: Time
    started_at: Time | None
    ended_at: Time | None


class TrainingJobs(Struct, kw_only=True, frozen=True):
    """Trainings, newest first."""

    jobs: list[TrainingJob]


class TrainingFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which trainings to list; `after` continues behind the last one of the page before."""

    use_case: Reference
    status: JobStatus | None = None
    after: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


CREATE = Endpoint(
    method="POST",
    path="/api/v1/training/jobs",
    takes=TrainingCreate,
    returns=TrainingJob,
    permission="training:create",
    summary="Start a training",
    status=201,
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/training/jobs",
    takes=TrainingFilter,
    returns=TrainingJobs,
    permission="training:read",
    summary="List the trainings of a use case, newest first",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/training/jobs/{job}",
    takes=JobReference,
    returns=TrainingJob,
    permission="training:read",
    summary="Get a training with its curve",
)
CANCEL = Endpoint(
    method="POST",
    path="/api/v1/training/jobs/{job}/cancel",
    takes=JobReference,
    returns=TrainingJob,
    permission="training:cancel",
    summary="Cancel a training. Its last checkpoint is kept",
)
