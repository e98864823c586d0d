"""The report of an evaluation: scores per model, differences on the same samples, and what was used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import fsum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from tropism.server.database.session import Reading
from tropism.server.domains.evaluation.sentence import summary
from tropism.server.tables.evaluation import evaluation_answer, evaluation_call
from tropism.server.tables.interactions import interaction
from tropism.server.tables.models import model
from tropism.stats.paired import Estimate, mean_score, paired_difference
from tropism.wire import evaluation as wire


@dataclass(slots=True)
class Scores:
    """What one model got: the scores by what they are paired by, and how many answers have none."""

    by_pair: dict[bytes, list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[wire.VerdictStatus, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def all(self) -> list[float]:
        return [score for scores in self.by_pair.values() for score in scores]


def report(session: Reading, row: Row[Any]) -> wire.EvaluationReport:
    """The figures of the job as it stands."""
    by_model = _scores(session, row.job_id, [UUID(id) for id in row.model_ids])
    keys = model_names(session, [id for id in by_model if id])
    names = {id: keys[id] if id else None for id in by_model}
    models = [_model(names[id], scores) for id, scores in by_model.items()]
    comparisons = _comparisons([(names[id], scores) for id, scores in by_model.items()])
    return wire.EvaluationReport(
        partial=row.status != "COMPLETED",
        models=models,
        comparisons=comparisons,
        usage=[*_replays(session, row, names), *_judging(session, row.job_id, row.judge)],
        summary=summary(row.status, models, comparisons),
    )


def model_names(session: Reading, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The keys of models by their ids."""
    return {row.id: row.key for row in session.rows(select(model.c.id, model.c.key).where(model.c.id.in_(ids)))}


def _scores(session: Reading, job_id: UUID, order: Sequence[UUID]) -> dict[UUID | None, Scores]:
    """By model; those that the job names first, others as they come."""
    answer = evaluation_answer.c
    wanted = select(answer.model_id, answer.pair, answer.status, answer.score).where(answer.job_id == job_id)
    found: dict[UUID | None, Scores] = {id: Scores() for id in order}
    for row in session.rows(wanted.order_by(answer.number, answer.position)):
        scores = found.setdefault(row.model_id, Scores())
        scores.counts[row.status] += 1
        if row.score is not None:
            scores.by_pair[row.pair].append(row.score)
    return found


def _model(name: str | None, scores: Scores) -> wire.ModelScore:
    estimate = mean_score(scores.all)
    return wire.ModelScore(
        model=name,
        score=_interval(estimate) if estimate else None,
        feedbacks=scores.counts["scored"],
        abstained=scores.counts["abstained"],
        failed=scores.counts["failed"],
        pending=scores.counts["pending"],
    )


def _comparisons(found: Sequence[tuple[str | None, Scores]]) -> list[wire.ModelDifference]:
    pairs = list(combinations(found, 2))
    compared = [_difference(mine, other, len(pairs)) for mine, other in pairs]
    return [each for each in compared if each is not None]


def _difference(
    mine: tuple[str | None, Scores], other: tuple[str | None, Scores], comparisons: int
) -> wire.ModelDifference | None:
    """On what both have; where one prompt has several answers of a model, their mean stands for them."""
    both = [pair for pair in mine[1].by_pair if pair in other[1].by_pair]
    left, right = ([_mean(each[1].by_pair[pair]) for pair in both] for each in (mine, other))
    estimate = paired_difference(left, right, comparisons=comparisons)
    if estimate is None:
        return None
    return wire.ModelDifference(
        model=mine[0], other=other[0], difference=_interval(estimate), pairs=estimate.n, verdict=estimate.verdict
    )


def _mean(scores: Sequence[float]) -> float:
    return fsum(scores) / len(scores)


def _interval(estimate: Estimate) -> wire.ScoreInterval:
    return wire.ScoreInterval(start=estimate.low, middle=estimate.mean, end=estimate.high)


def _replays(session: Reading, row: Row[Any], names: dict[UUID | None, str | None]) -> list[wire.EvaluationUsage]:
    """What the models have used to answer, as the log has it."""
    if not row.replays:
        return []
    log = interaction.c
    wanted = (
        select(log.model_id, *_sums(log))
        .join(evaluation_answer, evaluation_answer.c.completion_id == log.id)
        .where(evaluation_answer.c.job_id == row.job_id)
        .group_by(log.model_id)
    )
    found = {used.model_id: used for used in session.rows(wanted)}
    return [_usage(name, "replay", found[id]) for id, name in names.items() if name and id in found]


def _judging(session: Reading, job_id: UUID, judge: str) -> list[wire.EvaluationUsage]:
    call = evaluation_call.c
    row = session.row(select(*_sums(call)).where(call.job_id == job_id))
    return [_usage(judge, "judge", row)] if row is not None and row.calls else []


def _sums(table: Any) -> list[Any]:
    read, written = func.sum(table.prompt_tokens), func.sum(table.completion_tokens)
    cost = func.sum(table.cost_usd)
    return [func.count().label("calls"), read.label("read"), written.label("written"), cost.label("cost")]


def _usage(name: str, purpose: wire.Purpose, row: Row[Any]) -> wire.EvaluationUsage:
    return wire.EvaluationUsage(
        model=name,
        purpose=purpose,
        calls=row.calls,
        prompt_tokens=row.read or 0,
        completion_tokens=row.written or 0,
        cost_usd=row.cost,
    )
