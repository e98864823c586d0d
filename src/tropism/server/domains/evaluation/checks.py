"""What an evaluation asks for, found and checked before anything is started or paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from tropism.judges.registry import needs_documents
from tropism.server.database.session import Reading
from tropism.server.domains.datasets import service as datasets
from tropism.server.domains.feedback import keys
from tropism.server.domains.models import attachments, fallbacks
from tropism.server.domains.models import service as models
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest, TropismError
from tropism.server.tables.feedback import feedback_key
from tropism.wire import evaluation as wire

WITH_COMPLETIONS = ("PROMPT_COMPLETION", "PROMPT_COMPLETION_FEEDBACK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An evaluation whose parts were found: the rows of its use case, its judge, its models and its dataset."""

    request: wire.EvaluationCreate
    use_case: Row[Any]
    judge: Row[Any]
    models: tuple[Row[Any], ...]
    dataset: Row[Any] | None
    feedback_key: str

    @property
    def completions(self) -> wire.FromCompletions | None:
        return self.request.data_config.datasource.completions

    @property
    def replays(self) -> bool:
        """Whether the models answer anew, rather than what there is being judged."""
        return self.completions.replay_interactions if self.completions else bool(self.models)


def checked(session: Reading, request: wire.EvaluationCreate) -> Plan:
    """Find all that is named; an error says what is missing, and how to make it."""
    used = use_cases.find(session, request.use_case)
    source = request.data_config.datasource
    if (source.dataset is None) == (source.completions is None):
        raise InvalidRequest("give exactly one of `dataset` and `completions`", param="data_config.datasource")
    plan = Plan(
        request=request,
        use_case=used,
        judge=_attached(session, used, request.judge_model, "judge_model"),
        models=tuple(_models(session, used, request)),
        dataset=_dataset(session, used, source.dataset.dataset) if source.dataset else None,
        feedback_key=_feedback_key(session, request),
    )
    _check_source(plan)
    return plan


def allowed(session: Reading, plan: Plan) -> Plan:
    """The same plan, if whoever asks for it may read what it shows, and link the key that it links."""
    if plan.completions is not None:
        use_cases.demand(session, plan.use_case, "interaction:read", "shows interactions")
    if plan.dataset is not None:
        use_cases.demand(session, plan.use_case, "dataset:read", "shows a dataset")
    if plan.feedback_key not in {
        each.key for each in keys.linked_to(session, [plan.use_case.id]).get(plan.use_case.id, ())
    }:
        use_cases.demand(session, plan.use_case, "feedback_key:link", f"links the feedback key {plan.feedback_key!r}")
    return plan


def _models(session: Reading, used: Row[Any], request: wire.EvaluationCreate) -> list[Row[Any]]:
    completions = request.data_config.datasource.completions
    if completions is not None and not completions.replay_interactions:  # whose answers are in the log, wherever it is
        found = [_named(models.find(session, reference), "models") for reference in request.models]
    else:
        found = [_attached(session, used, reference, "models") for reference in request.models]
    if len({row.id for row in found}) < len(found):
        raise InvalidRequest("a model is named twice", param="models")
    return found


def _attached(session: Reading, used: Row[Any], reference: str, param: str) -> Row[Any]:
    try:
        row = models.find(session, reference)
        if row.id not in attachments.attached_ids(session, used.id):
            raise fallbacks.not_attached(used.key, row.key)
    except TropismError as error:
        error.param = param
        raise
    return _named(row, param)


def _named(row: Row[Any], param: str) -> Row[Any]:
    if row.kind != "Generation":
        raise InvalidRequest(f"{row.key!r} is an embedding model: it cannot chat; name a generation model", param=param)
    return row


def _dataset(session: Reading, used: Row[Any], reference: str) -> Row[Any]:
    row = datasets.find(session, reference, used.id)
    if row.kind == "PREFERENCE":
        raise InvalidRequest(
            f"dataset {row.key!r} holds preferences: each line has two answers, and a judge scores one; "
            "upload its prompts and completions as a dataset of their own",
            param="data_config.datasource.dataset",
        )
    if not row.lines:
        raise InvalidRequest(f"dataset {row.key!r} is empty", param="data_config.datasource.dataset")
    return row


def _feedback_key(session: Reading, request: wire.EvaluationCreate) -> str:
    """The key that scores are logged under; if it is there already, it must take scores."""
    custom = request.custom_eval_config
    if request.method == "custom" and custom is None:
        raise InvalidRequest(
            "the method 'custom' needs a `custom_eval_config` with guidelines", param="custom_eval_config"
        )
    if request.method != "custom" and custom is not None:
        raise InvalidRequest(
            f"guidelines belong to the method 'custom', not to {request.method!r}", param="custom_eval_config"
        )
    key = custom.feedback_key if custom else request.method
    row = session.row(select(feedback_key).where(feedback_key.c.key == key))
    if row is not None and (row.kind != "scalar" or row.scoring_type != "higher_is_better"):
        raise InvalidRequest(
            f"the feedback key {key!r} is a {row.kind} key where {row.scoring_type.replace('_', ' ')}; scores from "
            "0 to 1 need a scalar key where higher is better: take another key",
            param="custom_eval_config.feedback_key" if custom else "method",
        )
    return key


def _check_source(plan: Plan) -> None:
    completions, dataset = plan.completions, plan.dataset
    if completions is not None:
        if completions.selection_type != "ALL" and completions.max_samples is None:
            raise InvalidRequest(
                f"{completions.selection_type} needs `max_samples`", param="data_config.datasource.completions"
            )
        if completions.replay_interactions and not plan.models:
            raise InvalidRequest("to replay prompts, name the `models` that answer them", param="models")
    elif dataset is not None and not plan.models and dataset.kind not in WITH_COMPLETIONS:
        raise InvalidRequest(
            f"dataset {dataset.key!r} has prompts and no completions: name the `models` that answer them",
            param="models",
        )


def needs(plan: Plan) -> bool:
    """Whether the method judges by documents."""
    return needs_documents(plan.request.method)


def no_documents(plan: Plan) -> InvalidRequest:
    """What to say of a source in which nothing has documents."""
    what = f"dataset {plan.dataset.key!r} has" if plan.dataset is not None else "the selected completions have"
    how = (
        "give lines messages of the role 'document'"
        if plan.dataset is not None
        else "log prompts with their documents between <document> and </document>"
    )
    return InvalidRequest(
        f"{what} no documents, and {plan.request.method} is judged by them: {how}, or take another method",
        param="method",
    )


def model_ids(plan: Plan) -> list[UUID]:
    return [row.id for row in plan.models]
