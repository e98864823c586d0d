"""The figures of a test at one look, as the report shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tropism.stats.pair_counts import PairCounts

Decision = Literal["continue", "winner", "better_than_default", "equivalent", "futile", "max_feedbacks"]
Verdict = Literal["better", "worse", "undecided"]
Note = Literal[
    "k_correction",
    "clustered_units",
    "exact_counts",
    "asymptotic",
    "longer_warmup",
    "pooled_variance",
    "skewness_correction",
    "lost_digits",
]
"""What shaped the figures.

k_correction: each pair is tested at 2 alpha / k. clustered_units: the unit is the user or session, not the feedback.
exact_counts: the intervals per variant (bool), or everything (preferences), hold for every sample size; asymptotic: the
comparisons hold for large samples. longer_warmup: rare events or skewness ask for more than 50 units per variant.
pooled_variance, skewness_correction: that guard, not the plain formula, set some comparison. lost_digits: values lie so
far from K that rounding set some variance: rebuild with a K near the values.
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence sequence at one look: with probability 1 - alpha it covers the truth at every look of the test."""

    start: float
    middle: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`variant` against `other`.

    effect: metric: mean of `variant` minus that of `other` in the key's own units, 0 being no difference; preference:
        win rate of `variant` with ties as one half, 1/2 being no difference. None during warm-up.
    lift: the difference as a share of the mean of `other`; None for preferences, during warm-up or if that mean is 0.
    p_value: corrected for the number of variants. p_value <= alpha, the verdict, and the interval excluding "no
        difference" are one and the same thing.
    verdict: "better" or "worse" respects lower_is_better.
    counts: of decisive and tied comparisons, for preferences.
    """

    variant: int
    other: int
    effect: Interval | None
    lift: float | None
    p_value: float | None
    verdict: Verdict
    counts: PairCounts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFigures:
    """One variant. `interval` is that of its mean, or of its win rate over all opponents; None during warm-up."""

    feedbacks: int
    units: int
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A test at one look. Variants go by their index.

    p_value: of the leader being the best, corrected for the number of variants; None during warm-up.
    feedbacks: values (or comparisons) counted so far in the whole test.
    has_enough_feedbacks: whether the warm-up condition holds; it says nothing about power, which `progress` does.
    warmup_units: units per variant that the condition asks for, as far as the data tell.
    progress: share of the planned units seen, 0 to 1; None without a maximum.
    leader: the variant in front, None without feedback. winner: the variant to promote, if the decision names one.
    better_than_default: p-value per variant for beating the default one, family-wise; None during warm-up or without.
    level: of each variant's interval; pair_level: of each comparison's.
    notes: see `Note`. sentence: the state of the test in plain English.
    """

    p_value: float | None
    variants: tuple[VariantFigures, ...]
    comparisons: tuple[Comparison, ...]
    feedbacks: int
    has_enough_feedbacks: bool
    warmup_units: int
    progress: float | None
    leader: int | None
    winner: int | None
    decision: Decision
    better_than_default: tuple[float, ...] | None
    level: float
    pair_level: float
    tuning: float | None
    notes: tuple[Note, ...]
    sentence: str
