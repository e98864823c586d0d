"""An evaluation as its job sees it: what to ask of whom, and whether that is still possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from tropism.judges.protocol import Guideline, Judge
from tropism.judges.registry import make_judge
from tropism.server import snapshot
from tropism.server.database.session import Reading
from tropism.server.domains.evaluation import checks, service
from tropism.server.domains.evaluation.checks import Plan
from tropism.server.jobs.protocol import JobFailed
from tropism.server.settings import Settings
from tropism.server.snapshot import ServedModel
from tropism.server.tables.datasets import dataset
from tropism.server.tables.models import attachment, model
from tropism.wire import evaluation as wire
from tropism.wire.models import ComputeConfig

DELETED = "it was deleted from the log"
"""Why a sample has no verdict when its interaction is gone."""
REMOTE_CONTEXT = 16_384
"""The tokens that a provider's model is taken to hold; longer samples are judged in parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the job does, as it was found when this attempt began."""

    job_id: UUID
    plan: Plan
    selected: bool
    judge: ServedModel
    models: tuple[ServedModel, ...]
    """Those that answer anew, in their order; empty where answers are judged as they are."""
    context: int
    remote: frozenset[UUID]
    """The models that run at a provider."""

    @property
    def dataset_id(self) -> UUID | None:
        return self.plan.dataset.id if self.plan.dataset is not None else None

    def at_once(self, served: ServedModel, settings: Settings) -> int:
        """How many calls of one model may run at the same time."""
        remote = served.id in self.remote
        return settings.evaluation_calls_remote if remote else settings.evaluation_calls_local

    def make_judge(self) -> Judge:
        custom = self.plan.request.custom_eval_config
        rules = (
            [Guideline(name=each.name, description=each.description) for each in custom.guidelines] if custom else []
        )
        return make_judge(self.plan.request.method, rules, context=self.context)


def load(session: Reading, job_id: UUID) -> Work:
    """Find everything anew; a `TropismError` says what is not there any more."""
    row = service.find(session, job_id)
    plan = checks.checked(session, msgspec.convert(row.request, wire.EvaluationCreate))
    served = snapshot.load(session).use_case(str(plan.use_case.id), session.principal).models
    answering = plan.models if plan.replays else ()
    config = msgspec.convert(plan.judge.compute_config, ComputeConfig)
    return Work(
        job_id=job_id,
        plan=plan,
        selected=row.selected,
        judge=served[plan.judge.key],
        models=tuple(served[each.key] for each in answering),
        context=REMOTE_CONTEXT if plan.judge.provider else config.max_seq_len,
        remote=frozenset(each.id for each in (plan.judge, *answering) if each.provider),
    )


def still_possible(session: Reading, work: Work) -> None:
    """Raises `JobFailed` when the dataset was deleted, or a model detached or taken offline, since the job began."""
    source = work.plan.dataset
    if source is not None and session.row(select(dataset.c.id).where(dataset.c.id == source.id)) is None:
        raise JobFailed(f"dataset {source.key!r} was deleted while it was evaluated")
    ready = {row.id: row for row in session.rows(_states(work))}
    for served in {each.id: each for each in (work.judge, *work.models)}.values():
        state = ready.get(served.id)
        if state is None:
            raise JobFailed(f"model {served.key!r} was detached while the evaluation ran")
        if not (state.desired_online and state.deployed):
            raise JobFailed(f"model {served.key!r} was taken offline while the evaluation ran")


def _states(work: Work) -> Any:
    backbone = model.alias("backbone")
    return (
        select(model.c.id, attachment.c.desired_online)
        .add_columns(func.coalesce(backbone.c.deployed, model.c.deployed).label("deployed"))
        .join(attachment, attachment.c.model_id == model.c.id)
        .outerjoin(backbone, backbone.c.id == model.c.backbone_id)
        .where(attachment.c.use_case_id == work.plan.use_case.id)
        .where(model.c.id.in_([work.judge.id, *(each.id for each in work.models)]))
    )
