"""Evaluations as rows: started, found, shown and canceled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, select

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.evaluation import checks, report
from tropism.server.domains.evaluation.checks import Plan
from tropism.server.domains.evaluation.estimate import estimated
from tropism.server.domains.feedback import keys
from tropism.server.domains.jobs import service as jobs
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import NotFound
from tropism.server.settings import Settings
from tropism.server.tables.evaluation import evaluation
from tropism.server.tables.feedback import feedback_key
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model
from tropism.wire import evaluation as wire
from tropism.wire.feedback import FeedbackKeyCreate, FeedbackKeyLink
from tropism.wire.jobs import JobReference


class EvaluationRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What the job is told: as it was asked for. What was found of it is in the evaluation's row."""

    evaluation: wire.EvaluationCreate


def estimate(session: Reading, request: wire.EvaluationCreate, settings: Settings) -> wire.EvaluationEstimate:
    """What it would take; the same errors as starting it."""
    return estimated(session, checks.allowed(session, checks.checked(session, request)), settings)


def create(
    transaction: Writing, request: wire.EvaluationCreate, expected: wire.EvaluationEstimate
) -> wire.EvaluationJob:
    """Put the job into the queue; its feedback key is registered and linked if it is not."""
    plan = checks.allowed(transaction, checks.checked(transaction, request))
    key = _linked_key(transaction, plan)
    made = jobs.enqueue(
        transaction,
        jobs.NewJob(
            kind="evaluation",
            name=request.name or f"{request.method} by {plan.judge.key}",
            team_id=plan.use_case.team_id,
            use_case_id=plan.use_case.id,
            request=EvaluationRequest(evaluation=request),
            stages=stages(plan),
            pool=request.compute_pool or DEFAULT_POOL,
        ),
    )
    transaction.run(
        insert(evaluation).values(
            job_id=made.id,
            use_case_id=plan.use_case.id,
            method=request.method,
            judge_model_id=plan.judge.id,
            feedback_key_id=key.id,
            model_ids=[str(id) for id in checks.model_ids(plan)],
            dataset_id=plan.dataset.id if plan.dataset is not None else None,
            replays=plan.replays,
            request=msgspec.to_builtins(request),
            estimate=msgspec.to_builtins(expected),
            selected=False,
        )
    )
    return get(transaction, JobReference(job=made.id))


def stages(plan: Plan) -> Sequence[str]:
    """`replay` asks the models, `log` puts the completions of a dataset into the log, `judge` judges."""
    if plan.replays:
        return ("replay", "judge")
    return ("judge",) if plan.completions else ("log", "judge")


def _linked_key(transaction: Writing, plan: Plan) -> Any:
    name = plan.feedback_key
    if transaction.row(select(feedback_key.c.id).where(feedback_key.c.key == name)) is None:
        what = f"{name.replace('_', ' ')}, from 0 to 1, as a judge scores it"
        keys.register(transaction, FeedbackKeyCreate(key=name, description=what))
    return keys.link(transaction, FeedbackKeyLink(use_case=str(plan.use_case.id), feedback_key=name))


_judge = model.alias("judge")
_wanted = (
    select(evaluation, feedback_key.c.key.label("feedback_key"), _judge.c.key.label("judge"), job.c.status)
    .join(feedback_key, feedback_key.c.id == evaluation.c.feedback_key_id)
    .join(_judge, _judge.c.id == evaluation.c.judge_model_id)
    .join(job, job.c.id == evaluation.c.job_id)
)


def find(session: Reading, job_id: UUID) -> Row[Any]:
    """The row of an evaluation that the caller may see."""
    jobs_row = jobs.find(session, job_id)
    row = session.row(_wanted.where(evaluation.c.job_id == jobs_row.id))
    if row is None:
        raise NotFound(f"job {job_id} is no evaluation; evaluation.jobs.list() shows them", param="job")
    return row


def get(session: Reading, request: JobReference) -> wire.EvaluationJob:
    row = find(session, request.job)
    return _shown(session, row, report.report(session, row))


def list_jobs(session: Reading, request: wire.EvaluationFilter) -> wire.EvaluationJobs:
    used = use_cases.find(session, request.use_case)
    wanted = _wanted.where(evaluation.c.use_case_id == used.id).order_by(evaluation.c.job_id.desc())
    if request.status is not None:
        wanted = wanted.where(job.c.status == request.status)
    if request.after is not None:
        wanted = wanted.where(evaluation.c.job_id < request.after)
    rows = session.rows(wanted.limit(request.limit))
    return wire.EvaluationJobs(jobs=[_shown(session, row, None) for row in rows])


def cancel(transaction: Writing, request: JobReference) -> wire.EvaluationJob:
    """End it. What was answered and scored by then stays."""
    row = find(transaction, request.job)
    jobs.cancel(transaction, JobReference(job=row.job_id))
    return get(transaction, request)


def _shown(session: Reading, row: Row[Any], made: wire.EvaluationReport | None) -> wire.EvaluationJob:
    of = jobs.view(session, row.job_id)
    request = msgspec.convert(row.request, wire.EvaluationCreate)
    names = report.model_names(session, [UUID(id) for id in row.model_ids])
    return wire.EvaluationJob(
        id=of.id,
        name=of.name,
        use_case=of.use_case or "",
        method=row.method,
        judge_model=row.judge,
        models=[names[UUID(id)] for id in row.model_ids],
        feedback_key=row.feedback_key,
        data_config=request.data_config,
        custom_eval_config=request.custom_eval_config,
        compute_pool=of.compute_pool,
        status=of.status,
        stages=of.stages,
        error=of.error,
        estimate=msgspec.convert(row.estimate, wire.EvaluationEstimate),
        created_at=of.created_at,
        started_at=of.started_at,
        ended_at=of.ended_at,
        report=made,
    )
