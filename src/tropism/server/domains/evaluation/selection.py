"""Which logged completions an evaluation looks at: chosen once, when the job begins, and kept."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.evaluation.checks import Plan
from tropism.server.domains.interactions.filters import conditions
from tropism.server.errors import InvalidRequest
from tropism.server.tables.evaluation import evaluation, evaluation_answer, evaluation_sample
from tropism.server.tables.interactions import interaction
from tropism.server.tables.models import model
from tropism.wire.interactions import InteractionFilter, Source

FROM_APPLICATIONS: tuple[Source, ...] = ("LIVE", "OFFLINE", "AUTOMATION")
"""What is looked at unless the filter names a source: an evaluation does not evaluate evaluations."""
AT_ONCE = 500
log = interaction.c


def count(session: Reading, plan: Plan) -> int:
    """How many completions there are to choose; an error if there are none."""
    completions = plan.completions
    assert completions is not None
    matching = _matching(session, plan).subquery()
    found: int = session.value(select(func.count()).select_from(matching))
    if not found:
        raise InvalidRequest(
            "no logged completion matches; interactions.list(filters=...) shows what a filter finds",
            param="data_config.datasource.completions.filter",
        )
    return min(found, completions.max_samples or found)


def chosen(session: Reading, plan: Plan, seed: UUID) -> list[UUID]:
    """The ids of the selected completions, oldest first. The same seed and log give the same ones."""
    completions = plan.completions
    assert completions is not None
    matching = _matching(session, plan)
    if completions.selection_type == "RANDOM":
        drawn = _drawn(session, matching, completions.max_samples or 0, seed)
        return sorted(drawn)
    newest = matching.order_by(log.id.desc())
    if completions.max_samples is not None:
        newest = newest.limit(completions.max_samples)
    return sorted(row.id for row in session.rows(newest))


def newest(session: Reading, plan: Plan, most: int) -> list[UUID]:
    """The ids of the latest completions that match, whichever are chosen in the end."""
    return [row.id for row in session.rows(_matching(session, plan).order_by(log.id.desc()).limit(most))]


def _drawn(session: Reading, matching: Select[Any], size: int, seed: UUID) -> list[UUID]:
    """Those whose digests with the seed are the smallest: at random, and with no more than them in memory."""

    def draw(id: UUID) -> bytes:
        return hashlib.blake2b(id.bytes, key=seed.bytes, digest_size=16).digest()

    ids: Iterator[UUID] = (row.id for row in session.connection.execute(matching))
    return heapq.nsmallest(size, ids, key=draw)


def _matching(session: Reading, plan: Plan) -> Select[Any]:
    completions = plan.completions
    assert completions is not None
    wanted = completions.filter or InteractionFilter()
    found = conditions(session, plan.use_case.id, wanted)
    if wanted.source is None:
        found.append(log.source.in_(FROM_APPLICATIONS))
    if not completions.replay_interactions:
        # What was cut short by its reader says little of the model.
        found.append(func.coalesce(log.finish_reason, "stop") != "cancelled")
        if plan.models:
            found.append(log.model_id.in_([row.id for row in plan.models]))
    embedding = select(model.c.id).where(model.c.kind == "Embedding")
    found.append(func.coalesce(log.model_id.not_in(embedding), True))
    return select(log.id).where(*found)


def forget(transaction: Writing, job_id: UUID) -> None:
    """Take back a selection that was not finished."""
    for table in (evaluation_sample, evaluation_answer):
        transaction.run(delete(table).where(table.c.job_id == job_id))


def keep_prompts(transaction: Writing, job_id: UUID, first: int, ids: Sequence[UUID]) -> None:
    """Some of the completions whose prompts are asked anew, as samples from number `first` on."""
    rows = [{"job_id": job_id, "number": number, "source_id": id} for number, id in enumerate(ids, first)]
    transaction.run(insert(evaluation_sample), rows)


def keep_answers(transaction: Writing, job_id: UUID, first: int, ids: Sequence[UUID]) -> None:
    """Some of the completions that are judged as they are. Those of the same prompt are compared."""
    found = select(log.id, log.model_id, log.prompt_hash).where(log.id.in_(ids)).order_by(log.id)
    rows = [
        {
            "job_id": job_id,
            "number": number,
            "position": 0,
            "model_id": row.model_id,
            "completion_id": row.id,
            "pair": row.prompt_hash,
            "status": "pending",
        }
        for number, row in enumerate(transaction.rows(found), first)
    ]
    transaction.run(insert(evaluation_answer), rows)


def is_complete(transaction: Writing, job_id: UUID) -> None:
    """From now on the selection stays as it is."""
    transaction.run(update(evaluation).where(evaluation.c.job_id == job_id).values(selected=True))


def portions(ids: Sequence[UUID]) -> Iterable[tuple[int, Sequence[UUID]]]:
    """The ids in pieces that one write takes, each with the number of its first."""
    return ((first, ids[first : first + AT_ONCE]) for first in range(0, len(ids), AT_ONCE))
