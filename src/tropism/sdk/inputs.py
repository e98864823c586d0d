"""The shapes that plain dicts may have where a call takes a struct; editors complete their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired, Required, TypeAlias, TypedDict
from uuid import UUID

from tropism.wire import chat, evaluation, feedback, interactions, models, page, tools, training

Id: TypeAlias = str | UUID


class MessageDict(TypedDict):
    """One turn of a conversation: text, or parts such as `{"type": "image_url", "image_url": {"url": ...}}`.

    A message of role `tool` answers the call whose id is its `tool_call_id`.
    """

    role: chat.Role
    content: NotRequired[str | Sequence[Mapping[str, Any]] | None]
    name: NotRequired[str]
    tool_calls: NotRequired[Sequence[Mapping[str, Any] | tools.ToolCall]]
    tool_call_id: NotRequired[str]


Messages: TypeAlias = Sequence[MessageDict | chat.ChatMessage | chat.AnswerMessage | Mapping[str, Any]]


class FunctionDict(TypedDict):
    """A function: its name, what it is for, and the JSON schema of its arguments."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[Mapping[str, Any]]
    strict: NotRequired[bool]


class ToolDict(TypedDict):
    """A tool that the model may call."""

    type: Literal["function"]
    function: FunctionDict


Tools: TypeAlias = Sequence[ToolDict | tools.Tool | Mapping[str, Any]]
ToolChoice: TypeAlias = Literal["none", "auto", "required"] | tools.NamedTool | Mapping[str, Any]
ToolCalls: TypeAlias = Sequence[tools.ToolCall | Mapping[str, Any]]
Labels: TypeAlias = Mapping[str, str]


class TextFormatDict(TypedDict):
    """Free text, as without a format; or any JSON object."""

    type: Literal["text", "json_object"]


class JsonSchemaDict(TypedDict):
    """A JSON schema with its name: letters, digits, dashes and underscores."""

    name: str
    schema: Mapping[str, Any]
    strict: NotRequired[bool | None]
    description: NotRequired[str]


class JsonSchemaFormatDict(TypedDict):
    """JSON that satisfies the schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchemaDict


ResponseFormat: TypeAlias = TextFormatDict | JsonSchemaFormatDict | chat.ResponseFormat | Mapping[str, Any]


class GuardrailDict(TypedDict):
    """What must not get worse: a linked feedback key, `latency_ms`, `cost_usd` or `error_rate`."""

    metric: str
    tolerance: NotRequired[float]


class LoggedFeedbackDict(TypedDict):
    """Feedback that comes with an interaction."""

    feedback_key: Id
    value: float | bool
    details: NotRequired[str]


Feedbacks: TypeAlias = Sequence[LoggedFeedbackDict | interactions.LoggedFeedback]


class InteractionDict(TypedDict, total=False):
    """A completion made elsewhere, with exactly one of `prompt` and `messages`."""

    completion: Required[str]
    use_case: Id
    model: Id
    prompt: str
    messages: Messages
    feedbacks: Feedbacks
    user: Id
    session_id: Id
    ab_campaign: Id
    labels: Labels
    tools: Tools
    tool_calls: ToolCalls
    metadata: Mapping[str, Any]
    created_at: datetime | str


class OrderDict(TypedDict):
    """By what a list is ordered."""

    field: interactions.OrderField
    order: NotRequired[Literal["ASC", "DESC"]]


TimeRangeDict = TypedDict("TimeRangeDict", {"from": int, "to": int}, total=False)


class FeedbackFilterDict(TypedDict, total=False):
    """Interactions that have feedback of this metric for which everything given here holds."""

    metric: Required[Id]
    gt: float
    gte: float
    eq: float
    neq: float
    lt: float
    lte: float
    user: Id
    reasons: Sequence[str]


class ComparisonFilterDict(TypedDict):
    """Interactions that were compared under this metric."""

    metric: Id


class LabelFilterDict(TypedDict):
    """Interactions with this label, and with one of the values where they are given."""

    key: str
    value: NotRequired[Sequence[str]]


class InteractionFilterDict(TypedDict, total=False):
    """Which interactions; everything given must hold. `timerange` is in milliseconds since 1970."""

    models: Sequence[Id]
    timerange: TimeRangeDict | interactions.TimeRange
    session_id: Id
    user_id: Id
    feedbacks: Sequence[FeedbackFilterDict | interactions.FeedbackFilter]
    comparisons: Sequence[ComparisonFilterDict | interactions.ComparisonFilter]
    labels: Sequence[LabelFilterDict | interactions.LabelFilter]
    prompt_hash: str
    completion_id: Id
    tags: Sequence[str]
    source: Sequence[interactions.Source]


class PageDict(TypedDict, total=False):
    """Which page: the `first` n after a cursor, or the `last` n before one."""

    first: int
    after: str
    last: int
    before: str


Orders: TypeAlias = Sequence[OrderDict | interactions.Order]
Filters: TypeAlias = InteractionFilterDict | interactions.InteractionFilter
Page: TypeAlias = PageDict | page.Page


class ModelFilterDict(TypedDict, total=False):
    """Which models to list; `view_all` shows those that cannot run here, too."""

    in_storage: bool
    available: bool
    trainable: bool
    kind: models.Kind
    online: models.Online
    view_all: bool


class ComputeConfigDict(TypedDict, total=False):
    """How a model is run."""

    tp: int
    kv_cache_len: int | None
    max_seq_len: int
    engine: Literal["llama_cpp", "vllm"] | None
    url: str | None
    served_name: str | None


class PlacementDict(TypedDict, total=False):
    """Where an attached model should run."""

    compute_pools: Sequence[Id]
    max_ttft_ms: int


class ReliabilityDict(TypedDict, total=False):
    """How long an answer may take, and how often a model is asked again."""

    first_token_seconds: float | None
    between_tokens_seconds: float | None
    total_seconds: float | None
    retries: int


class PricesDict(TypedDict):
    """What a model costs, in US dollars per million tokens read and written."""

    input_per_million: float
    output_per_million: float


class ParametersDict(TypedDict, total=False):
    """Generation parameters of a variant, used where a request says nothing."""

    temperature: float
    top_p: float
    max_tokens: int


class ComparedTextDict(TypedDict):
    """One side of a comparison that was not logged before: a model's answer."""

    model: Id
    text: str


Compared: TypeAlias = Id | ComparedTextDict | feedback.ComparedText


class DatasetNameDict(TypedDict):
    """Every line of a dataset, by its key or id."""

    dataset: Id


class CompletionsDict(TypedDict, total=False):
    """Logged completions: all that match, the last ones, or some at random."""

    selection_type: evaluation.Selection
    max_samples: int
    filter: Filters
    replay_interactions: bool


class DatasourceDict(TypedDict, total=False):
    """Where samples come from: exactly one of them."""

    dataset: DatasetNameDict | evaluation.FromDataset
    completions: CompletionsDict | evaluation.FromCompletions


class DataConfigDict(TypedDict):
    """What is evaluated."""

    datasource: DatasourceDict | evaluation.Datasource


class GuidelineDict(TypedDict):
    """One rule that an answer keeps or does not keep."""

    name: str
    description: str


class CustomEvalConfigDict(TypedDict):
    """Rules of your own, and the feedback key that their scores are logged under."""

    guidelines: Sequence[GuidelineDict | evaluation.GuidelineInput]
    feedback_key: str


class BaseTrainingParamsDict(TypedDict, total=False):
    """What every method takes; 1e-5, 1, 32 and 10 unless given. `num_epochs` is for SFT and DPO."""

    learning_rate: float
    num_epochs: int
    batch_size: int
    num_validations: int
    seed: int


class MethodParametersDict(TypedDict, total=False):
    """The parameters of the method that is used: `kl_div_coeff`, and for PPO and GRPO `steps`."""

    dpo: Mapping[str, float] | training.DpoParameters
    ppo: Mapping[str, float] | training.PpoParameters
    grpo: Mapping[str, float] | training.GrpoParameters


class TrainingMetadataDict(TypedDict):
    """Which weights learn, and how."""

    alignment_method: training.AlignmentMethod
    training_type: NotRequired[training.TrainingType]
    parameters: NotRequired[MethodParametersDict | training.MethodParameters]


class TrainingObjectiveDict(TypedDict, total=False):
    """What is learnt: exactly one of these."""

    sft: Mapping[str, Any] | training.SftObjective
    metric: Mapping[str, Any] | training.MetricObjective
    guidelines: Mapping[str, Any] | training.GuidelinesObjective
    reward_server: Mapping[str, Any] | training.RewardServerObjective


class TrainingConfigDict(TypedDict):
    """How to train, and towards what."""

    training_metadata: TrainingMetadataDict | training.TrainingMetadata
    training_objective: TrainingObjectiveDict | training.TrainingObjective
    base_training_params: NotRequired[BaseTrainingParamsDict | training.BaseTrainingParams]


class SampleConfigDict(TypedDict):
    """What is learnt from: completions with their values (DIRECT), or pairs that were compared (PREFERENCE)."""

    datasource: DatasourceDict | evaluation.Datasource
    feedback_type: NotRequired[training.FeedbackType]


class TrainingJobConfigDict(TypedDict):
    """All of a training. The key of the child is made from `output_name`."""

    output_name: str
    training_config: TrainingConfigDict | training.TrainingConfig
    sample_config: SampleConfigDict | training.SampleConfig


def unchecked(value: object) -> Any:
    """Put an argument into a struct as it is: ids as text, dicts as they are.

    JSON makes the same bytes of both, and the server judges them; a second judge here would only word it differently.
    """
    return value
