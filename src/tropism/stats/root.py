"""Where a function crosses zero."""

from __future__ import annotations

from collections.abc import Callable


def bisect(f: Callable[[float], float], low: float, high: float) -> float:
    """The point of [low, high] at which f turns from below zero to zero or above, to the last bit.

    f must not decrease. Returns the upper end of the last bracket, where f >= 0.
    """
    while low < (middle := low + (high - low) / 2) < high:
        if f(middle) < 0:
            low = middle
        else:
            high = middle
    return high
