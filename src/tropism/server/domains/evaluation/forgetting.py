"""What evaluations hold of deleted interactions: answers got to the same prompts, and what judges said about them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, tuple_, update

from tropism.server.database.session import Reading, Writing
from tropism.server.tables.evaluation import evaluation_answer, evaluation_call, evaluation_sample
from tropism.server.tables.jobs import job

answer, sample = evaluation_answer.c, evaluation_sample.c


def replays_of(session: Reading, ids: Sequence[UUID]) -> list[UUID]:
    """The completions that models gave anew to the prompts of these interactions: they hold the prompts, too."""
    places = select(sample.job_id, sample.number).where(sample.source_id.in_(ids))
    replayed = select(answer.completion_id).where(tuple_(answer.job_id, answer.number).in_(places))
    return [row.completion_id for row in session.rows(replayed.where(answer.completion_id.is_not(None)))]


def forget(transaction: Writing, completion_ids: Sequence[UUID]) -> None:
    """Remove what judges said in words, which may quote the completion. Scores stay: they are numbers."""
    about = answer.completion_id.in_(completion_ids)
    judged = [row.job_id for row in transaction.rows(select(answer.job_id).where(about).distinct())]
    if not judged:
        return
    transaction.run(update(evaluation_answer).where(about).values(reason=None, parts=None))
    # What judges said to each question is kept for a job that has to begin again; one that has ended has no need of it.
    ended = select(job.c.id).where(job.c.id.in_(judged), job.c.ended_ms.is_not(None))
    call = evaluation_call.c
    transaction.run(update(evaluation_call).where(call.job_id.in_(ended), call.text != "").values(text=""))
