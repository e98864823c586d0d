"""An interval for the mean of values between 0 and 1 that holds for every sample size and every shape of the values.

A gambler bets on each value in turn that the mean is above m, another that it is below; while m is the true mean, both
games are fair, so that the larger fortune passes 2 / alpha with probability alpha at most (Ville 1939). The interval is
the m at which neither gambler has become so rich. Bets are the predictable plug-in of Waudby-Smith and Ramdas 2023,
"Estimating means of bounded random variables by betting", JRSS B 86 (hedged capital for a fixed sample, remark 3).
No normality is assumed, which judges' scores, all ones or all halves, often are far from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum, log, log1p, sqrt

STAKE = 0.75
"""The most of its fortune that a gambler risks at once; any share below 1 keeps the interval valid."""
STEPS = 20
"""Halvings of the search for each end: it is found to a millionth, outwards."""


def betting_interval(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """The ends of the interval at level 1 - alpha, in the values' order; (0, 1) without values.

    The sample is fixed: to look before all values are there, and stop because of what was seen, is not covered. Raises
    ValueError for a value outside of [0, 1] or an alpha outside of (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha}")
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("a score must lie between 0 and 1")
    if not values:
        return 0.0, 1.0
    bets, middle, rich = _bets(values, alpha), fsum(values) / len(values), log(2 / alpha)
    mirrored = [1 - value for value in values]
    low = _last_rich(lambda m: _richest(values, bets, m) >= rich, middle)
    high = 1 - _last_rich(lambda m: _richest(mirrored, bets, m) >= rich, 1 - middle)
    return low, high


def _bets(values: Sequence[float], alpha: float) -> list[float]:
    """How much to bet on each value, from the variance of those before it alone."""
    bets, total, squares, variance = [], 0.5, 0.25, 0.25
    wanted = 2 * log(2 / alpha) / len(values)
    for count, value in enumerate(values, 2):
        bets.append(sqrt(wanted / variance))
        total += value
        squares += (value - total / count) ** 2
        variance = squares / count
    return bets


def _richest(values: Sequence[float], bets: Sequence[float], mean: float) -> float:
    """The logarithm of the largest fortune of the gambler who bets on more than `mean`."""
    fortune = most = 0.0
    ceiling = STAKE / mean
    for value, bet in zip(values, bets, strict=True):
        fortune += log1p(min(bet, ceiling) * (value - mean))
        most = max(most, fortune)
    return most


def _last_rich(is_rich: Callable[[float], bool], middle: float) -> float:
    """The largest mean, from below, at which the gambler gets rich; a larger mean only ever makes it poorer."""
    low, high = 0.0, middle
    for _ in range(STEPS):
        between = (low + high) / 2
        if between <= 0:
            break
        low, high = (between, high) if is_rich(between) else (low, between)
    return low
