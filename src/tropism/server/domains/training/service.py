"""Trainings as rows: started, found, shown and canceled; their children registered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.jobs import service as jobs
from tropism.server.domains.models import service as models
from tropism.server.domains.models.service import Trained
from tropism.server.domains.training import checks, records, runs, samples
from tropism.server.domains.training.checks import Plan
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, NotFound
from tropism.server.files.model_files import are_stored
from tropism.server.settings import Settings
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model
from tropism.server.tables.training import training
from tropism.trainers import protocol
from tropism.wire import training as wire
from tropism.wire.jobs import JobReference

CAPABILITY = "training"


class TrainingRequest(msgspec.Struct, kw_only=True, frozen=True):
    """What the job is told: as it was asked for."""

    training: wire.TrainingCreate
    stored: bool = False
    """Whether what it leaves goes into the storage, for workers with data directories of their own."""


def create(transaction: Writing, request: wire.TrainingCreate, settings: Settings) -> wire.TrainingJob:
    """Put the job into the queue, once nothing is known to be wrong with it."""
    plan = checks.checked(transaction, request, is_new=True)
    _demand(transaction, plan)
    runs.refuse(plan, settings)
    samples.refuse_none(transaction, plan)
    _refuse_same_child(transaction, plan)
    made = jobs.enqueue(
        transaction,
        jobs.NewJob(
            kind="training",
            name=request.name or f"{plan.method} of {plan.model.key}",
            team_id=plan.use_case.team_id,
            use_case_id=plan.use_case.id,
            request=TrainingRequest(training=request, stored=are_stored(settings)),
            stages=plan.stages,
            pool=request.compute_pool or DEFAULT_POOL,
            capability=CAPABILITY,
        ),
    )
    transaction.run(
        insert(training).values(
            job_id=made.id,
            use_case_id=plan.use_case.id,
            model_id=plan.model.id,
            output_key=plan.output_key,
            dataset_id=plan.dataset.id if plan.dataset is not None else None,
            request=msgspec.to_builtins(request),
            events_read={},
            checkpoints=[],
        )
    )
    return get(transaction, JobReference(job=made.id))


def _demand(session: Reading, plan: Plan) -> None:
    """A model tells what it has learnt: whoever trains one must be allowed to read that."""
    if plan.dataset is not None:
        use_cases.demand(session, plan.use_case, "dataset:read", "learns a dataset")
    else:
        use_cases.demand(session, plan.use_case, "interaction:read", "learns interactions")


def _refuse_same_child(session: Reading, plan: Plan) -> None:
    same = select(job.c.id).join(training, training.c.job_id == job.c.id)
    same = same.where(training.c.output_key == plan.output_key, job.c.status.in_(jobs.UNFINISHED))
    if (other := session.value(same)) is not None:
        is_seen = jobs.is_seen(session, other)
        who, cancel = (f"the training {other}", ", or cancel it") if is_seen else ("another team", "")
        raise Conflict(
            f"{who} makes a model {plan.output_key!r}; choose another output_name{cancel}", param="config.output_name"
        )


_child = model.alias("child")
_wanted = (
    select(training, model.c.key.label("model"), _child.c.key.label("child"), job.c.status)
    .join(model, model.c.id == training.c.model_id)
    .join(job, job.c.id == training.c.job_id)
    .outerjoin(_child, _child.c.id == training.c.child_id)
)


def find(session: Reading, job_id: UUID) -> Row[Any]:
    """The row of a training that the caller may see."""
    jobs_row = jobs.find(session, job_id)
    row = session.row(_wanted.where(training.c.job_id == jobs_row.id))
    if row is None:
        raise NotFound(f"job {job_id} is no training; training.jobs.list() shows them", param="job")
    return row


def plan_of(session: Reading, job_id: UUID) -> Plan:
    """What was asked for, found anew; a `TropismError` says what is not there any more."""
    return checks.checked(session, msgspec.convert(find(session, job_id).request, wire.TrainingCreate), is_new=False)


def get(session: Reading, request: JobReference) -> wire.TrainingJob:
    return _shown(session, find(session, request.job), whole=True)


def list_jobs(session: Reading, request: wire.TrainingFilter) -> wire.TrainingJobs:
    used = use_cases.find(session, request.use_case)
    wanted = _wanted.where(training.c.use_case_id == used.id).order_by(training.c.job_id.desc())
    if request.status is not None:
        wanted = wanted.where(job.c.status == request.status)
    if request.after is not None:
        wanted = wanted.where(training.c.job_id < request.after)
    rows = session.rows(wanted.limit(request.limit))
    return wire.TrainingJobs(jobs=[_shown(session, row, whole=False) for row in rows])


def cancel(transaction: Writing, request: JobReference) -> wire.TrainingJob:
    """End it: its trainer stops after the step that it is in."""
    row = find(transaction, request.job)
    jobs.cancel(transaction, JobReference(job=row.job_id))
    return get(transaction, request)


def has_samples(transaction: Writing, job_id: UUID, count: int) -> None:
    """From now on the samples stay as they are."""
    transaction.run(update(training).where(training.c.job_id == job_id).values(samples=count))


def register(
    transaction: Writing, plan: Plan, job_id: UUID, exported: protocol.Exported, result: protocol.Result, file: Any
) -> str:
    """Register the child, once; its key."""
    row = find(transaction, job_id)
    if row.child is not None:
        return str(row.child)
    is_adapter = plan.metadata.training_type == "PARAMETER_EFFICIENT"
    child = models.add_trained(
        transaction,
        Trained(
            key=plan.output_key,
            name=plan.request.config.output_name,
            path=file,
            job_id=job_id,
            base_id=plan.base.id if is_adapter else None,
            config=plan.base.compute_config,
            size=plan.base.size,
        ),
    )
    outcome = msgspec.to_builtins(_outcome(result, exported))
    transaction.run(update(training).where(training.c.job_id == job_id).values(child_id=child.id, outcome=outcome))
    return child.key


def _outcome(result: protocol.Result, exported: protocol.Exported) -> wire.TrainingOutcome:
    return wire.TrainingOutcome(
        steps=result.step,
        seconds=result.seconds,
        peak_memory_bytes=result.peak_memory_bytes,
        samples_sha256=result.data_sha256,
        before=result.before,
        after=result.after,
        parity=exported.parity or {},
        versions=result.versions,
    )


def _shown(session: Reading, row: Row[Any], *, whole: bool) -> wire.TrainingJob:
    of = jobs.view(session, row.job_id)
    request = msgspec.convert(row.request, wire.TrainingCreate)
    return wire.TrainingJob(
        id=of.id,
        name=of.name,
        use_case=of.use_case or "",
        model=row.model,
        output_name=request.config.output_name,
        output_model=row.child,
        config=request.config,
        compute_pool=of.compute_pool,
        status=of.status,
        stages=of.stages,
        error=of.error,
        samples=row.samples,
        progress=records.newest(row),
        curve=records.curve(session, row.job_id) if whole else [],
        validations=records.validations(session, row.job_id) if whole else [],
        checkpoints=records.checkpoints(row),
        outcome=msgspec.convert(row.outcome, wire.TrainingOutcome | None),
        created_at=of.created_at,
        started_at=of.started_at,
        ended_at=of.ended_at,
    )
