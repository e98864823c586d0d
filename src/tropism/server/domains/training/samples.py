"""What a training learns from: chosen once, and written as lines of a dataset into the job's folder."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select

from tropism.server.database.session import Reading
from tropism.server.domains.datasets import files
from tropism.server.domains.evaluation.selection import FROM_APPLICATIONS
from tropism.server.domains.interactions import walk
from tropism.server.domains.interactions.filters import conditions
from tropism.server.domains.training.checks import SAMPLES, Plan
from tropism.server.errors import InvalidRequest
from tropism.server.settings import Settings
from tropism.server.tables.feedback import comparison, feedback
from tropism.server.tables.interactions import interaction
from tropism.server.tables.models import model
from tropism.wire.datasets import DatasetLine
from tropism.wire.interactions import Interaction, InteractionFilter

log = interaction.c
_preferred, _other = interaction.alias("preferred"), interaction.alias("other")
_encode = msgspec.json.Encoder().encode


def refuse_none(session: Reading, plan: Plan) -> None:
    """An error if there is nothing to learn from."""
    if plan.dataset is not None:
        return
    if session.value(select(func.count()).select_from(_matching(session, plan).limit(1).subquery())):
        return
    of_key = f" with feedback {plan.key.key!r}" if plan.key is not None else ""
    what = f"preference{of_key} between two answers to the same prompt" if plan.learns_pairs else f"completion{of_key}"
    raise InvalidRequest(
        f"no logged {what} matches; interactions.list(filters=...) shows what a filter finds",
        param=f"{SAMPLES}.datasource.completions.filter",
    )


def write_logged(session: Reading, plan: Plan, seed: UUID, path: Path) -> int:
    """Write what the log holds, as it is at this moment; how many samples it is. The same seed chooses the same."""
    ids = _chosen(session, plan, seed)
    of = _pairs if plan.learns_pairs else _completions
    portions = (ids[first : first + walk.AT_ONCE] for first in range(0, len(ids), walk.AT_ONCE))
    return _write(path, (line for some in portions for line in of(session, some, plan)))


def write_dataset(settings: Settings, dataset_id: UUID, path: Path) -> int:
    """Write all lines of a dataset; `DatasetGone` if it was deleted."""
    return _write(path, files.lines(settings, dataset_id))


def _write(path: Path, lines: Iterable[DatasetLine]) -> int:
    """Only a whole file ever has the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, count = path.with_suffix(".partial"), 0
    with partial.open("wb") as file:
        for line in lines:
            file.write(_encode(line) + b"\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return count


def _chosen(session: Reading, plan: Plan, seed: UUID) -> list[UUID]:
    """The ids of the selected interactions, or comparisons, oldest first."""
    completions = plan.completions
    assert completions is not None
    matching = _matching(session, plan)
    if completions.selection_type == "RANDOM":
        ids: Iterator[UUID] = (row.id for row in session.connection.execute(matching))
        return sorted(heapq.nsmallest(completions.max_samples or 0, ids, key=lambda id: _draw(id, seed)))
    newest = matching.order_by(matching.selected_columns.id.desc())
    if completions.max_samples is not None:
        newest = newest.limit(completions.max_samples)
    return sorted(row.id for row in session.rows(newest))


def _draw(id: UUID, seed: UUID) -> bytes:
    return hashlib.blake2b(id.bytes, key=seed.bytes, digest_size=16).digest()


def _matching(session: Reading, plan: Plan) -> Select[Any]:
    completions = plan.completions
    assert completions is not None
    wanted = completions.filter or InteractionFilter()
    found = conditions(session, plan.use_case.id, wanted)
    if wanted.source is None:
        found.append(log.source.in_(FROM_APPLICATIONS))
    if plan.learns_pairs:
        return _compared(plan, select(log.id).where(*found))
    embedding = select(model.c.id).where(model.c.kind == "Embedding")
    found.append(func.coalesce(log.model_id.not_in(embedding), True))
    if not plan.uses_prompts:
        # What was cut short by its reader is no example.
        found.append(func.coalesce(log.finish_reason, "stop") != "cancelled")
    if plan.key is not None:
        of_key = (feedback.c.use_case_id == plan.use_case.id, feedback.c.feedback_key_id == plan.key.id)
        found.append(log.id.in_(select(feedback.c.completion_id).where(*of_key)))
    return select(log.id).where(*found)


def _compared(plan: Plan, matching: Select[Any]) -> Select[Any]:
    """Preferences without ties between two answers to the same prompt that both match."""
    assert plan.key is not None
    return (
        select(comparison.c.id)
        .join(_preferred, _preferred.c.id == comparison.c.preferred_id)
        .join(_other, _other.c.id == comparison.c.other_id)
        .where(comparison.c.use_case_id == plan.use_case.id, comparison.c.feedback_key_id == plan.key.id)
        .where(comparison.c.tied.is_(None), _preferred.c.prompt_hash == _other.c.prompt_hash)
        .where(comparison.c.preferred_id.in_(matching), comparison.c.other_id.in_(matching))
    )


def _completions(session: Reading, ids: Sequence[UUID], plan: Plan) -> Iterator[DatasetLine]:
    """Completions with their feedback: of several users' values for one key, the mean."""
    for found in sorted(filter(walk.in_words, walk.whole(session, ids)), key=lambda each: each.id):
        values: dict[str, list[float]] = {}
        for given in found.direct_feedbacks:
            values.setdefault(given.feedback_key, []).append(given.value)
        yield DatasetLine(
            messages=found.messages,
            completion=found.completion,
            feedbacks={key: fmean(each) for key, each in values.items()},
            metadata={**found.labels, **found.metadata, "completion_id": str(found.id)},
            labels=found.labels or None,
        )


def _pairs(session: Reading, ids: Sequence[UUID], plan: Plan) -> Iterator[DatasetLine]:
    assert plan.key is not None
    rows = session.rows(select(comparison).where(comparison.c.id.in_(ids)).order_by(comparison.c.id))
    sides = {id for row in rows for id in (row.preferred_id, row.other_id)}
    found: dict[UUID, Interaction] = {each.id: each for each in walk.whole(session, list(sides))}
    for row in rows:
        preferred, other = found[row.preferred_id], found[row.other_id]
        if not (walk.in_words(preferred) and walk.in_words(other)):
            continue
        yield DatasetLine(
            messages=preferred.messages,
            preferred_completion=preferred.completion,
            other_completion=other.completion,
            feedback_key=plan.key.key,
            metadata={"preferred_id": str(preferred.id), "other_id": str(other.id)},
        )
