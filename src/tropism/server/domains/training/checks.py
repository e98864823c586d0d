"""What a training asks for, found and checked before anything is started: what makes no sense is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row

from tropism.server.database.session import Reading
from tropism.server.domains.datasets import service as datasets
from tropism.server.domains.feedback import keys
from tropism.server.domains.models import attachments, fallbacks
from tropism.server.domains.models import service as models
from tropism.server.domains.reward_servers import service as reward_servers
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.wire import training as wire
from tropism.wire.evaluation import FromCompletions

Objective = Literal["sft", "metric", "guidelines", "reward_server"]
OBJECTIVES: tuple[Objective, ...] = ("sft", "metric", "guidelines", "reward_server")
CONFIG = "config.training_config"
OBJECTIVE = f"{CONFIG}.training_objective"
METADATA = f"{CONFIG}.training_metadata"
SAMPLES = "config.sample_config"

_ONLY_REWARDS = (
    "imitates nothing: it writes completions and learns from their rewards. Take the objective `metric`, `guidelines` "
    "or `reward_server`, or the method SFT"
)
NO_SENSE: Mapping[tuple[wire.AlignmentMethod, Objective], str] = {
    ("SFT", "guidelines"): "SFT imitates completions and asks no judge; evaluate the completions with these guidelines "
    "first, then take the objective `metric` with the key of the scores",
    ("SFT", "reward_server"): "SFT imitates completions and earns no rewards; take GRPO, or the objective `sft`",
    ("DPO", "sft"): "DPO learns from better and worse completions, so it needs the objective `metric`, the key that "
    "orders them; to imitate completions, take SFT",
    ("DPO", "guidelines"): "DPO asks no judge; evaluate the completions with these guidelines first, then take the "
    "objective `metric` with the key of the scores",
    ("DPO", "reward_server"): "DPO earns no rewards; take GRPO",
    ("PPO", "sft"): f"PPO {_ONLY_REWARDS}",
    ("GRPO", "sft"): f"GRPO {_ONLY_REWARDS}",
}
"""Why a method cannot follow an objective, and the nearest that works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A training whose parts were found. `base` is the model that runs for `model`: its backbone, or itself."""

    request: wire.TrainingCreate
    use_case: Row[Any]
    model: Row[Any]
    base: Row[Any]
    output_key: str
    objective: Objective
    key: Row[Any] | None
    judge: Row[Any] | None
    reward_server: Row[Any] | None
    dataset: Row[Any] | None

    @property
    def metadata(self) -> wire.TrainingMetadata:
        return self.request.config.training_config.training_metadata

    @property
    def method(self) -> wire.AlignmentMethod:
        return self.metadata.alignment_method

    @property
    def completions(self) -> FromCompletions | None:
        return self.request.config.sample_config.datasource.completions

    @property
    def learns_pairs(self) -> bool:
        """Whether samples are pairs that were compared, rather than completions with values."""
        return self.request.config.sample_config.feedback_type == "PREFERENCE"

    @property
    def uses_prompts(self) -> bool:
        """Whether only the prompts of samples matter, as rewards are given for what the model writes."""
        return self.objective in ("guidelines", "reward_server")

    @property
    def needs_reward_model(self) -> bool:
        """PPO and GRPO earn rewards for what they write, and nobody has given feedback on that yet."""
        return self.method in ("PPO", "GRPO") and self.objective == "metric"

    @property
    def stages(self) -> list[str]:
        return ["samples", *(["reward_model"] if self.needs_reward_model else []), "train", "export", "register"]


def checked(session: Reading, request: wire.TrainingCreate, *, is_new: bool) -> Plan:
    """Find all that is named; an error says what is wrong, and the nearest that works.

    The name of the child must be free for a training that is new. It is taken when one goes on that has registered it.
    """
    used = use_cases.find(session, request.use_case)
    model = models.find(session, request.model)
    objective = _objective(request.config.training_config)
    named = request.config.training_config.training_objective
    source = request.config.sample_config.datasource
    plan = Plan(
        request=request,
        use_case=used,
        model=model,
        base=_base(session, model),
        output_key=_output_key(session, request.config.output_name, is_new=is_new),
        objective=objective,
        key=keys.find_linked(session, named.metric.metric_key, used.id, f"{OBJECTIVE}.metric.metric_key")
        if named.metric
        else None,
        judge=_judge(session, used, named.guidelines.judge_model) if named.guidelines else None,
        reward_server=_reward_server(session, named.reward_server.remote_env) if named.reward_server else None,
        dataset=datasets.find(session, source.dataset.dataset, used.id) if source.dataset else None,
    )
    _check_method(plan)
    _check_parameters(plan)
    _check_source(plan)
    return plan


def _base(session: Reading, model: Row[Any]) -> Row[Any]:
    described = models.described(model)
    if not described.trainable:
        raise InvalidRequest(f"{model.key!r} cannot be trained: {_why_not(model)}", param="model")
    return models.find(session, str(model.backbone_id)) if model.backbone_id else model


def _why_not(model: Row[Any]) -> str:
    if model.provider is not None:
        return "it runs at a provider; models.list({'trainable': True}) shows those whose weights are here"
    if model.kind != "Generation":
        return "it is an embedding model; take a generation model"
    if model.backbone_id is not None:
        return f"it is a variant, with a system prompt or parameters only; take its backbone {model.backbone!r}"
    return "its weights are not here; models.list({'trainable': True}) shows those whose weights are"


def _output_key(session: Reading, name: str, *, is_new: bool) -> str:
    where = "config.output_name"
    try:
        key = models.key_from(name)
    except InvalidRequest as error:
        raise InvalidRequest(f"no key can be made from the name {name!r}: it needs a letter", param=where) from error
    if is_new and models.is_taken(session, key):
        raise Conflict(f"there is a model {key!r} already; choose another output_name", param=where)
    return key


def _objective(config: wire.TrainingConfig) -> Objective:
    given = [name for name in OBJECTIVES if getattr(config.training_objective, name) is not None]
    if len(given) != 1:
        what = f"these are {' and '.join(given)}" if given else "there is none"
        raise InvalidRequest(f"give exactly one of {', '.join(OBJECTIVES)}; {what}", param=OBJECTIVE)
    return given[0]


def _judge(session: Reading, used: Row[Any], reference: str) -> Row[Any]:
    where = f"{OBJECTIVE}.guidelines.judge_model"
    try:
        row = models.find(session, reference)
        if row.id not in attachments.attached_ids(session, used.id):
            raise fallbacks.not_attached(used.key, row.key)
    except NotFound as error:
        error.param = where
        raise
    if row.kind != "Generation":
        raise InvalidRequest(f"{row.key!r} is an embedding model: it cannot judge", param=where)
    return row


def _reward_server(session: Reading, reference: str) -> Row[Any]:
    try:
        return reward_servers.find(session, reference)
    except NotFound as error:
        error.param = f"{OBJECTIVE}.reward_server.remote_env"
        raise


def _check_method(plan: Plan) -> None:
    if reason := NO_SENSE.get((plan.method, plan.objective)):
        raise InvalidRequest(reason, param=OBJECTIVE)
    if plan.method == "SFT" and plan.learns_pairs:
        raise InvalidRequest(
            "SFT imitates completions, and PREFERENCE samples are pairs; take DPO with the objective `metric`, or "
            "the feedback_type DIRECT",
            param=f"{SAMPLES}.feedback_type",
        )
    if plan.uses_prompts and plan.learns_pairs:
        raise InvalidRequest(
            f"with the objective `{plan.objective}` only the prompts of samples are used: take the feedback_type "
            "DIRECT, or the objective `metric` to learn from preferences",
            param=f"{SAMPLES}.feedback_type",
        )
    _check_threshold(plan)


def _check_threshold(plan: Plan) -> None:
    metric = plan.request.config.training_config.training_objective.metric
    if metric is None or plan.key is None:
        return
    scalar = metric.metric_metadata.scalar_metric if metric.metric_metadata else None
    threshold = scalar.threshold if scalar else None
    where = f"{OBJECTIVE}.metric.metric_metadata.scalar_metric.threshold"
    if plan.method != "SFT" and threshold is not None:
        raise InvalidRequest(
            f"a threshold chooses what SFT imitates; {plan.method} learns from all values: leave it out", param=where
        )
    if plan.method == "SFT" and plan.key.kind == "scalar" and threshold is None:
        better = "at least" if plan.key.scoring_type == "higher_is_better" else "at most"
        raise InvalidRequest(
            f"SFT imitates completions that are good enough: say with a threshold that {plan.key.key!r} must be "
            f"{better} so much; to imitate all completions, take the objective `sft`",
            param=where,
        )
    if threshold is not None and plan.key.kind == "bool":
        raise InvalidRequest(f"{plan.key.key!r} is yes or no: it needs no threshold, leave it out", param=where)


def _check_parameters(plan: Plan) -> None:
    given = plan.metadata.parameters or wire.MethodParameters()
    own = plan.method.lower()
    for name in ("dpo", "ppo", "grpo"):
        if name != own and getattr(given, name) is not None:
            raise InvalidRequest(
                f"these are the parameters of {name.upper()}, and the method is {plan.method}: leave them out",
                param=f"{METADATA}.parameters.{name}",
            )
    if plan.method in ("PPO", "GRPO") and getattr(given, own) is None:
        raise InvalidRequest(
            f"{plan.method} needs to know how many batches it learns from: give parameters "
            f"{{'{own}': {{'steps': 20}}}} to begin with",
            param=f"{METADATA}.parameters",
        )
    epochs = plan.request.config.training_config.base_training_params.num_epochs
    if plan.method in ("PPO", "GRPO") and epochs != 1 and not plan.needs_reward_model:
        raise InvalidRequest(
            f"{plan.method} is as long as its `steps`: leave out num_epochs",
            param=f"{CONFIG}.base_training_params.num_epochs",
        )


def _check_source(plan: Plan) -> None:
    where = f"{SAMPLES}.datasource"
    if (plan.dataset is None) == (plan.completions is None):
        raise InvalidRequest("give exactly one of `dataset` and `completions`", param=where)
    if plan.completions is not None:
        if plan.completions.replay_interactions:
            raise InvalidRequest(
                "training learns from what was logged and replays nothing: leave out replay_interactions",
                param=f"{where}.completions.replay_interactions",
            )
        if plan.completions.selection_type != "ALL" and plan.completions.max_samples is None:
            raise InvalidRequest(
                f"{plan.completions.selection_type} needs `max_samples`", param=f"{where}.completions.max_samples"
            )
    elif plan.dataset is not None:
        _check_dataset(plan, plan.dataset)


def _check_dataset(plan: Plan, found: Row[Any]) -> None:
    where = f"{SAMPLES}.datasource.dataset"
    if not found.lines:
        raise InvalidRequest(f"dataset {found.key!r} is empty", param=where)
    if plan.uses_prompts:
        return
    wanted = _kinds(plan)
    if found.kind not in wanted:
        raise InvalidRequest(
            f"dataset {found.key!r} is of the kind {found.kind}, and {plan.method} with the objective "
            f"`{plan.objective}` on {plan.request.config.sample_config.feedback_type} samples needs "
            f"{' or '.join(wanted)}{_instead(plan, found.kind)}",
            param=where,
        )
    if plan.key is not None and plan.key.key not in found.feedbacks:
        there = ", ".join(sorted(found.feedbacks)) or "none"
        raise InvalidRequest(f"dataset {found.key!r} has no feedback {plan.key.key!r}; it has {there}", param=where)


def _kinds(plan: Plan) -> tuple[str, ...]:
    if plan.learns_pairs:
        return ("PREFERENCE",)
    if plan.objective == "metric":
        return ("PROMPT_COMPLETION_FEEDBACK",)
    return ("PROMPT_COMPLETION", "PROMPT_COMPLETION_FEEDBACK")


def _instead(plan: Plan, kind: str) -> str:
    if kind == "PREFERENCE":
        return "; take DPO with the feedback_type PREFERENCE"
    if kind == "PROMPT":
        return "; prompts alone are enough for GRPO with a reward server"
    if plan.learns_pairs:
        return "; take the feedback_type DIRECT"
    return ""
