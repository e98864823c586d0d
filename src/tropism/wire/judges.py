"""Judges: the methods of judging, and how far a judge's verdicts agree with people's."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import Reference

Method = Literal["faithfulness", "answer_relevancy", "context_relevancy", "custom"]
Need = Literal["completion", "documents", "guidelines"]


class JudgeMethod(Struct, kw_only=True, frozen=True):
    """A method of judging: what it measures, what a sample must have, and how often the model is asked per sample."""

    method: Method
    description: str
    needs: list[Need]
    calls_per_sample: str


class JudgeMethods(Struct, kw_only=True, frozen=True):
    """All methods."""

    methods: list[JudgeMethod]


class AgreementQuery(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which two feedback keys to compare, on the completions of a use case that have both.

    A value is good from its threshold on (for a key of which lower is better, down to it). A bool key needs none; for a
    scalar `judge_key` it is 0.5 unless given, for a scalar `human_key` it must be given.
    """

    use_case: Reference
    judge_key: Reference
    human_key: Reference
    threshold: float | None = None
    human_threshold: float | None = None


class Estimate(Struct, kw_only=True, frozen=True):
    """A figure with its 95 % interval."""

    start: float
    middle: float
    end: float


class Agreement(Struct, kw_only=True, frozen=True):
    """How far two feedback keys agree on `n` completions; several values of one key on a completion are averaged.

    `agreement` is the share with the same verdict, `kappa` Cohen's kappa (1 is perfect, 0 what chance would give),
    `rank_correlation` Spearman's, of the values themselves and positive where good goes with good. An estimate is None
    where it is not defined, such as kappa where both say the same of everything. `skipped` counts the oldest
    completions where there are too many to compare.
    """

    judge_key: str
    human_key: str
    threshold: float
    human_threshold: float
    n: int
    both_good: int
    only_judge_good: int
    only_human_good: int
    neither_good: int
    agreement: Estimate | None
    kappa: Estimate | None
    rank_correlation: Estimate | None
    skipped: Annotated[int, Meta(ge=0)]
    sentence: str


LIST = Endpoint(
    method="GET",
    path="/api/v1/judges",
    takes=Nothing,
    returns=JudgeMethods,
    permission="judge:read",
    summary="List the methods of judging",
)
AGREEMENT = Endpoint(
    method="GET",
    path="/api/v1/judges/agreement",
    takes=AgreementQuery,
    returns=Agreement,
    permission="judge:read",
    summary="Measure how far a judge agrees with people",
)
