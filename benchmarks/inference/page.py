"""The table of what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.markdown import table

HEAD = ("", "llama.cpp's server", "Tropism", "Tropism ÷ llama.cpp (lowest to highest round)", "target")

Rounds = Mapping[str, Sequence[tuple[float, float]]]
"""Of each question its rounds: llama.cpp's server's figure, then ours."""


def text(rates: Rounds, waits: Rounds) -> str:
    """Medians over rounds; ratios and differences are taken within a round, then their median."""
    rows = [_rate(name, pairs) for name, pairs in rates.items()] + [_wait(name, pairs) for name, pairs in waits.items()]
    return table(HEAD, rows)


def _rate(name: str, pairs: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    theirs, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = [own / other for other, own in pairs]
    ratio = statistics.median(ratios)
    met = "met" if ratio >= 0.95 else "missed"
    span = f"{ratio:.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    return name, f"{theirs:.1f}", f"{ours:.1f}", span, f"at least 0.95: {met}"


def _wait(name: str, pairs: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    theirs, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    more = [own - other for other, own in pairs]
    added = statistics.median(more)
    met = "met" if added <= 5 else "missed"
    span = f"{added:+.1f} ms ({min(more):+.1f} to {max(more):+.1f})"
    return name, f"{theirs:.1f}", f"{ours:.1f}", span, f"within 5 ms: {met}"
