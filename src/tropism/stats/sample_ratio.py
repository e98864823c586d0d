"""The sample-ratio alarm: whether the variants got their share of the requests, testable after every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, lgamma, log

CONCENTRATION = 1000.0
ALARM = 100.0


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The e-value for "the split is not as planned", 1/e as a p-value, and whether e >= 100 (level 0.01)."""

    e_value: float
    p_value: float
    alarm: bool


def sample_ratio(counts: Sequence[int], weights: Sequence[float] | None = None) -> SampleRatio:
    """The alarm for these assignment counts against the planned weights (equal by default; scaled to sum to 1).

    Give it the counts of feedbacks and the shares of assignments to learn whether some variant gets less feedback.
    Dirichlet(1000 w) mixture of multinomials. Raises ValueError for weights or counts that cannot be.
    Source: Lindon, Malek 2022, Anytime-valid inference for multinomial count data, NeurIPS.
    """
    shares = _shares(len(counts), weights)
    if min(counts) < 0:
        raise ValueError("counts cannot be negative")
    total = sum(counts)
    value = lgamma(CONCENTRATION) - lgamma(CONCENTRATION + total)
    for count, share in zip(counts, shares, strict=True):
        value += lgamma(CONCENTRATION * share + count) - lgamma(CONCENTRATION * share) - count * log(share)
    return SampleRatio(exp(min(value, 700.0)), min(1.0, exp(-value)) if value > 0 else 1.0, value >= log(ALARM))


def _shares(variants: int, weights: Sequence[float] | None) -> list[float]:
    given = [1.0] * variants if weights is None else list(weights)
    if variants < 2 or len(given) != variants:
        raise ValueError(f"{variants} counts need as many weights, at least 2, not {len(given)}")
    if not all(weight > 0 and isfinite(weight) for weight in given):
        raise ValueError("weights must be positive")
    return [weight / sum(given) for weight in given]
