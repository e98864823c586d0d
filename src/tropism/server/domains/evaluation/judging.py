"""The last stage: the judge reads every answer, and its score is logged as feedback in the same transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import Row, func, select, tuple_, update

from tropism.engines.protocol import EngineError
from tropism.judges.ask import asking
from tropism.judges.protocol import Judge, Part, Sample, Turn, Unjudgeable, Verdict
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import counting
from tropism.server.domains.evaluation.calls import Paid
from tropism.server.domains.evaluation.concurrency import Breaker, each
from tropism.server.domains.evaluation.documents import documents_in, without_documents
from tropism.server.domains.evaluation.work import DELETED, Work, still_possible
from tropism.server.domains.feedback import service as feedback
from tropism.server.jobs.protocol import JobFailed, Run
from tropism.server.tables.evaluation import evaluation_answer
from tropism.server.tables.interactions import interaction_body
from tropism.wire.chat import ChatMessage
from tropism.wire.feedback import MetricFeedbackCreate

AT_ONCE = 64
MOST_FAILED = 0.9
"""When so large a share of the answers has no verdict, the job has failed, whatever the rest says."""
LONGEST_DETAILS = 10_000
answer = evaluation_answer.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An answer that is to be judged."""

    number: int
    position: int
    completion_id: UUID
    sample: Sample | None
    """None when the completion was deleted from the log."""


async def judge_all(run: Run[Any], work: Work) -> None:
    """Judge what is not judged yet; fail when hardly anything could be."""
    await run.begin("judge", total=await run.read(_answers, work.job_id))
    judge, limit = work.make_judge(), work.at_once(work.judge, run.services.settings)
    paid, breaker = Paid(run, work.judge, limit, work.plan.use_case.id), Breaker(f"the judge {work.judge.key!r}")

    async def judge_one(pending: Pending) -> None:
        await run.read(still_possible, work)
        try:
            verdict = await _verdict(judge, paid, pending.sample)
        except EngineError as error:
            await run.write(_keep_failure, work, pending, str(error), stage="judge", advance=1)
            breaker.failed(error)
        else:
            keep = _keep_failure if isinstance(verdict, str) else _keep_verdict
            await run.write(keep, work, pending, verdict, stage="judge", advance=1)
            breaker.worked()

    await each(_pending(run, work.job_id), judge_one, limit)
    await run.read(_check_enough, work.job_id)
    await run.end("judge")


async def _verdict(judge: Judge, paid: Paid, sample: Sample | None) -> Verdict | str:
    """The verdict, or why the method has nothing to say of this sample."""
    if sample is None:
        return DELETED
    try:
        return await judge.judge(sample, asking(paid))
    except Unjudgeable as error:
        return str(error)


def _keep_verdict(transaction: Writing, work: Work, pending: Pending, verdict: Verdict) -> None:
    """The verdict and its feedback, once: an answer that has a verdict keeps it."""
    status = "abstained" if verdict.score is None else "scored"
    values = {"score": verdict.score, "reason": verdict.reason, "parts": [_shown(part) for part in verdict.parts]}
    if not transaction.run(_this(work, pending).values(status=status, **values)) or verdict.score is None:
        return
    metric = MetricFeedbackCreate(
        metric=work.plan.feedback_key,
        value=verdict.score,
        completion_id=pending.completion_id,
        details=_details(verdict),
    )
    _, change = feedback.log_metric(transaction, metric)
    counting.count_value(transaction, change)


def _keep_failure(transaction: Writing, work: Work, pending: Pending, reason: str) -> None:
    transaction.run(_this(work, pending).values(status="failed", reason=reason))


def _this(work: Work, pending: Pending) -> Any:
    place = (answer.number == pending.number, answer.position == pending.position)
    return update(evaluation_answer).where(answer.job_id == work.job_id, *place, answer.status == "pending")


def _shown(part: Part) -> dict[str, Any]:
    return {"text": part.text, "holds": part.holds, "reason": part.reason}


def _details(verdict: Verdict) -> str:
    """The judge's reasons as one text."""
    marks = {True: "+", False: "-", None: "?"}
    lines = [f"{marks[part.holds]} {part.text}" + (f": {part.reason}" if part.reason else "") for part in verdict.parts]
    return "\n".join([verdict.reason, *lines])[:LONGEST_DETAILS]


async def _pending(run: Run[Any], job_id: UUID) -> AsyncIterator[Pending]:
    last = (-1, -1)
    while found := await run.read(_next, job_id, last):
        for pending in found:
            yield pending
        last = (found[-1].number, found[-1].position)


def _next(session: Reading, job_id: UUID, last: tuple[int, int]) -> Sequence[Pending]:
    wanted = (
        select(answer.number, answer.position, answer.completion_id)
        .add_columns(interaction_body.c.messages, interaction_body.c.completion)
        .outerjoin(interaction_body, interaction_body.c.id == answer.completion_id)
        .where(answer.job_id == job_id, answer.status == "pending", tuple_(answer.number, answer.position) > last)
        .order_by(answer.number, answer.position)
    )
    return [_read(row) for row in session.rows(wanted.limit(AT_ONCE))]


def _read(row: Row[Any]) -> Pending:
    sample = None if row.messages is None else _sample(msgspec.convert(row.messages, list[ChatMessage]), row.completion)
    return Pending(number=row.number, position=row.position, completion_id=row.completion_id, sample=sample)


def _sample(messages: Sequence[ChatMessage], completion: str) -> Sample:
    turns = [Turn(role=message.role, content=message.text) for message in without_documents(messages)]
    return Sample(messages=turns, completion=completion, documents=documents_in(messages))


def _answers(session: Reading, job_id: UUID) -> int:
    """How many answers there are to judge, those that have a verdict included."""
    wanted = select(func.count()).where(answer.job_id == job_id, answer.completion_id.is_not(None))
    return cast(int, session.value(wanted))


def _check_enough(session: Reading, job_id: UUID) -> None:
    """Raises `JobFailed`, with the most frequent reason, when almost nothing has a verdict."""
    counts = select(answer.status, func.count().label("size")).where(answer.job_id == job_id).group_by(answer.status)
    sizes = {row.status: row.size for row in session.rows(counts)}
    failed, total = sizes.get("failed", 0), sum(sizes.values())
    if failed and failed >= MOST_FAILED * total:
        size = func.count()
        why = select(answer.reason).where(answer.job_id == job_id, answer.status == "failed").group_by(answer.reason)
        reason = session.value(why.order_by(size.desc()).limit(1))
        raise JobFailed(f"{failed} of {total} answers have no verdict; most often because {reason}")
