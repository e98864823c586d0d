"""Ask for questions about documents: what is asked for is checked and put into the queue as a job."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import delete, insert, select

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.datasets import service
from tropism.server.domains.datasets.passages import passages
from tropism.server.domains.jobs import service as jobs
from tropism.server.domains.models import attachments
from tropism.server.domains.models import service as models
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict, InvalidRequest
from tropism.server.tables.datasets import dataset, dataset_draft
from tropism.wire import datasets as wire
from tropism.wire.jobs import Job

STAGE = "generate"


class GenerateRequest(Struct, kw_only=True, frozen=True):
    """What the job does: questions about passages, asked of a model."""

    use_case_id: UUID
    key: str
    name: str
    model: str
    passages: list[str]
    num_questions: int
    answers: bool


def create(transaction: Writing, request: wire.DatasetGenerate) -> Job:
    """Check all that can be checked now, and enqueue the job."""
    used = use_cases.find(transaction, request.use_case)
    service.check_new(transaction, used.id, request.key)
    cut = passages(request.documents, request.passage_chars)
    if not cut:
        raise InvalidRequest("the documents are blank; there is nothing to ask about", param="documents")
    asked = GenerateRequest(
        use_case_id=used.id,
        key=request.key,
        name=request.name or request.key,
        model=_model(transaction, used, request.model),
        passages=cut,
        num_questions=request.num_questions,
        answers=request.answers,
    )
    new = jobs.NewJob(
        kind="dataset",
        name=asked.name,
        team_id=used.team_id,
        use_case_id=used.id,
        request=asked,
        stages=[STAGE],
    )
    return jobs.enqueue(transaction, new)


def _model(session: Reading, used: Any, reference: str) -> str:
    row = models.find(session, reference)
    if row.kind != "Generation":
        raise InvalidRequest(
            f"{row.key!r} is an embedding model: it cannot chat; name a generation model", param="model"
        )
    if row.id not in attachments.attached_ids(session, used.id):
        raise Conflict(
            f"{row.key!r} is not attached to {used.key!r}; models.attach({row.key!r}) does that", param="model"
        )
    key: str = row.key
    return key


def drafts(session: Reading, job_id: UUID) -> dict[int, list[Any]]:
    """What earlier attempts made, by the number of the question; a question that came to nothing has no line."""
    draft = dataset_draft.c
    rows = session.rows(select(draft.number, draft.lines).where(draft.job_id == job_id).order_by(draft.number))
    return {row.number: row.lines for row in rows}


def keep_draft(transaction: Writing, job_id: UUID, number: int, lines: list[Any]) -> None:
    transaction.run(insert(dataset_draft).values(job_id=job_id, number=number, lines=lines))


def forget_drafts(transaction: Writing, job_id: UUID) -> None:
    transaction.run(delete(dataset_draft).where(dataset_draft.c.job_id == job_id))


def is_made(session: Reading, job_id: UUID, request: GenerateRequest) -> bool:
    """Whether an earlier attempt came to its end, and died before it could say so."""
    same = (dataset.c.use_case_id == request.use_case_id, dataset.c.key == request.key)
    row = session.row(select(dataset.c.config).where(*same))
    return row is not None and (row.config or {}).get("job") == str(job_id)
