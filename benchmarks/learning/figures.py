"""Before and after on the same prompts: means, intervals, a test of pairs; and how fast one run was beside another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

RESAMPLES = 20_000
Numbers = np.ndarray[Any, Any]


class Estimate(Struct, frozen=True, kw_only=True):
    """A figure with its 95 % interval."""

    low: float
    middle: float
    high: float


def mean(values: Sequence[float]) -> Estimate:
    """The interval is the bootstrap's, over prompts."""
    drawn = _drawn(np.asarray(values))
    return _estimate(float(np.mean(values)), drawn.mean(1))


def difference(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """Of pairs: the same prompt before and after."""
    return mean((np.asarray(after) - np.asarray(before)).tolist())


def p_value(before: Sequence[float], after: Sequence[float]) -> float:
    """Two-sided, by flipping the signs of the pairs' differences at random: how often chance gives as much or more."""
    found = np.asarray(after) - np.asarray(before)
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (RESAMPLES, len(found)))
    as_much = np.abs((signs * found).mean(1)) >= abs(found.mean()) - 1e-12
    return float((as_much.sum() + 1) / (RESAMPLES + 1))


def speed(ours: Sequence[float], plain: Sequence[float]) -> Estimate:
    """Steps per second of ours ÷ the plain script's. The interval is the bootstrap's, over pairs of turns."""
    count = min(len(ours), len(plain))
    pairs = np.stack([np.asarray(ours[:count]), np.asarray(plain[:count])], 1)
    drawn = _drawn(pairs).sum(1)
    sums = pairs.sum(0)
    return _estimate(float(sums[1] / sums[0]), drawn[:, 1] / drawn[:, 0])


def _drawn(values: Numbers) -> Numbers:
    rows = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    return values[rows]


def _estimate(middle: float, drawn: Numbers) -> Estimate:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(low=float(low), middle=middle, high=float(high))
