"""Markdown tables whose cells carry their Monte-Carlo standard error."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt


def rate(hits: float, tests: int) -> str:
    """Per cent, with the standard error of (hits + 2) / (tests + 4), which is not zero where the rate is."""
    share = (hits + 2) / (tests + 4)
    error = 100 * sqrt(share * (1 - share) / (tests + 4))
    return f"{100 * hits / tests:.1f} ± {error:.1f}" if error >= 0.095 else f"{100 * hits / tests:.2f} ± {error:.2f}"


def markdown(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: str = "") -> str:
    lines = [f"### {title}", ""]
    lines += [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *([notes, ""] if notes else [])])
