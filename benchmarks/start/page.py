"""The table of what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.markdown import table

HEAD = ("", "median (lowest to highest)", "target")

Pairs = Sequence[tuple[float, float]]


def text(importing: Pairs, starting: Pairs, memory: Mapping[str, float], interactions: int) -> str:
    """Milliseconds of the import beyond the interpreter's own, seconds of the start, megabytes of memory."""
    added = [ours - bare for bare, ours in importing]
    empty, full = (list(side) for side in zip(*starting, strict=True))
    rows = [
        ("an interpreter that does nothing", _span([bare for bare, _ in importing], "ms", 0), ""),
        ("`import tropism`, beyond that", _span(added, "ms", 0), _target(added, 150, "ms")),
        ("`tropism serve` ready, empty database", _span(empty, "s", 2), ""),
        (f"`tropism serve` ready, {interactions:,} interactions", _span(full, "s", 2), _target(full, 2, "s")),
        *((f"memory of an idle engine{which}", f"{size:.0f} MB", "") for which, size in memory.items()),
    ]
    return table(HEAD, rows)


def _span(values: Sequence[float], unit: str, digits: int) -> str:
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} {unit} ({low} to {high})"


def _target(values: Sequence[float], most: float, unit: str) -> str:
    return f"below {most:g} {unit}: {'met' if statistics.median(values) < most else 'missed'}"
