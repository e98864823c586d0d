"""What judges there are, and how far one agrees with people on the same completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from tropism.judges.registry import METHODS
from tropism.server.database.session import Reading
from tropism.server.domains.feedback import keys
from tropism.server.domains.judges.sentence import sentence
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest
from tropism.server.tables.feedback import feedback
from tropism.stats import agreement as stats
from tropism.wire import judges as wire

MOST = 100_000
"""More pairs say nothing more; the newest are taken."""

_MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class _Rater:
    """A feedback key, and from where on its value is good."""

    key: Row[Any]
    threshold: float

    @property
    def sign(self) -> int:
        return -1 if self.key.scoring_type == "lower_is_better" else 1

    def is_good(self, value: float) -> bool:
        return value * self.sign >= self.threshold * self.sign


def methods() -> wire.JudgeMethods:
    return wire.JudgeMethods(
        methods=[
            wire.JudgeMethod(
                method=each.method,
                description=each.description,
                needs=list(each.needs),
                calls_per_sample=each.calls,
            )
            for each in METHODS
        ]
    )


def agreement(session: Reading, request: wire.AgreementQuery) -> wire.Agreement:
    """Compare two keys on the completions of the use case that have both."""
    used = use_cases.find(session, request.use_case)
    judge = _rater(session, used.id, request.judge_key, request.threshold, "judge_key", "threshold", _MIDDLE)
    human = _rater(session, used.id, request.human_key, request.human_threshold, "human_key", "human_threshold", None)
    if judge.key.id == human.key.id:
        raise InvalidRequest("a key agrees with itself; name two different ones", param="human_key")
    both = _both(used.id, judge.key.id, human.key.id)
    count = int(session.value(select(func.count()).select_from(both.subquery())))
    newest = both.order_by(both.selected_columns.completion_id.desc()).limit(MOST)
    pairs = [(float(row.judged), float(row.said)) for row in session.rows(newest)]
    return _report(judge, human, pairs, count - len(pairs))


def _rater(
    session: Reading,
    use_case_id: UUID,
    reference: str,
    threshold: float | None,
    param: str,
    threshold_param: str,
    default: float | None,
) -> _Rater:
    key = keys.find_linked(session, reference, use_case_id, param)
    if threshold is None:
        threshold = _MIDDLE if key.kind == "bool" else default
    if threshold is None:
        message = f"{key.key!r} is a scalar key: say from which value on it is good, with `{threshold_param}`"
        raise InvalidRequest(message, param=threshold_param)
    if not isfinite(threshold):
        raise InvalidRequest(f"`{threshold_param}` must be a finite number", param=threshold_param)
    return _Rater(key, threshold)


def _both(use_case_id: UUID, judge_id: UUID, human_id: UUID) -> Select[Any]:
    """The completions with values of both keys, those of several users averaged."""
    judged, said = _averages(use_case_id, judge_id), _averages(use_case_id, human_id)
    columns = (judged.c.completion_id, judged.c.value.label("judged"), said.c.value.label("said"))
    return select(*columns).join(said, said.c.completion_id == judged.c.completion_id)


def _averages(use_case_id: UUID, key_id: UUID) -> Any:
    value = func.avg(feedback.c.value).label("value")
    of = (feedback.c.use_case_id == use_case_id, feedback.c.feedback_key_id == key_id)
    return select(feedback.c.completion_id, value).where(*of).group_by(feedback.c.completion_id).subquery()


def _report(judge: _Rater, human: _Rater, pairs: Sequence[tuple[float, float]], skipped: int) -> wire.Agreement:
    table = stats.tabulate([(judge.is_good(one), human.is_good(other)) for one, other in pairs])
    same, kappa = stats.agreement(table), stats.kappa(table)
    ranks = stats.rank_correlation([(judge.sign * one, human.sign * other) for one, other in pairs])
    return wire.Agreement(
        judge_key=judge.key.key,
        human_key=human.key.key,
        threshold=judge.threshold,
        human_threshold=human.threshold,
        n=table.n,
        both_good=table.both,
        only_judge_good=table.first_only,
        only_human_good=table.second_only,
        neither_good=table.neither,
        agreement=_estimate(same),
        kappa=_estimate(kappa),
        rank_correlation=_estimate(ranks),
        skipped=skipped,
        sentence=sentence(judge.key.key, human.key.key, table, kappa),
    )


def _estimate(found: stats.Estimate | None) -> wire.Estimate | None:
    return None if found is None else wire.Estimate(start=found.start, middle=found.middle, end=found.end)
