"""The laws that feedback is drawn from, each with its true mean and variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]


@dataclass(frozen=True, slots=True)
class Law:
    """A distribution of one feedback value."""

    name: str
    mean: float
    variance: float
    draw: Draw
    is_bool: bool = False


def coin(rate: float) -> Law:
    def draw(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return (random.random(shape) < rate).astype(np.float64)

    return Law(f"bool {rate:g}", rate, rate * (1 - rate), draw, is_bool=True)


def normal(mean: float = 0.0, sd: float = 1.0) -> Law:
    name = "normal" if mean == 0 and sd == 1 else f"normal({mean:g}, {sd:g})"
    return Law(name, mean, sd**2, lambda random, shape: random.normal(mean, sd, shape))


def lognormal(s: float = 1.0, mean: float | None = None) -> Law:
    """`s` is the sd of the logarithm; by default its mean is 0, as in textbooks, so that the mean is exp(s^2 / 2)."""
    mu = 0.0 if mean is None else log(mean) - s * s / 2
    true_mean = exp(mu + s * s / 2)
    return Law(
        f"lognormal s={s:g}",
        true_mean,
        true_mean**2 * (exp(s * s) - 1),
        lambda random, shape: random.lognormal(mu, s, shape),
    )


def mostly_zero(share: float = 0.05, mean: float = 1.0) -> Law:
    """Zero but for a share of lognormal (s = 1) values."""
    mu = log(mean / share) - 0.5

    def draw(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return np.where(random.random(shape) < share, random.lognormal(mu, 1.0, shape), 0.0)

    return Law(f"{share:.0%} nonzero", mean, mean**2 * (exp(1) / share - 1), draw)
