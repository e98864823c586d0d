"""The result as markdown: medians over rounds, differences to the mock, ratios to LiteLLM."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import msgspec

from benchmarks.overhead.failure import BenchmarkError
from benchmarks.overhead.load import Load
from benchmarks.overhead.rounds import Measured

BEGIN = "<!-- overhead: begin -->"
END = "<!-- overhead: end -->"

THROUGHPUT_TARGET = 10
LATENCY_TARGET = 1 / 3
# Below this share of the mock's calm rate a system was no longer calm, and its latency is that of a queue.
HELD = 0.75

COLUMNS = (
    "system",
    "logged durably before the answer",
    "requests/s (lowest to highest round)",
    "requests/s ÷ LiteLLM",
    "p50 ms",
    "p99 ms",
    "added p50 ms",
    "added p99 ms",
    "added p99 ÷ LiteLLM",
)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One system's medians; `None` where there is nothing to compare with."""

    rate: float
    lowest: float
    highest: float
    calm_rate: float
    p50: float
    p99: float
    added_p50: float
    added_p99: float


def figures(measured: Measured, mock: Measured) -> Figures:
    """Medians over rounds. Added latency is taken within each round, then the median of the differences."""
    rates = [load.rate for load in measured.busy]
    pairs: list[tuple[Load, Load]] = list(zip(measured.calm, mock.calm, strict=True))
    return Figures(
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        calm_rate=median(load.rate for load in measured.calm),
        p50=median(load.p50_ms for load in measured.calm),
        p99=median(load.p99_ms for load in measured.calm),
        added_p50=median(own.p50_ms - base.p50_ms for own, base in pairs),
        added_p99=median(own.p99_ms - base.p99_ms for own, base in pairs),
    )


def table(mock: Measured, others: dict[str, Measured]) -> str:
    """The rows side by side; `others` are by their short names."""
    peer = figures(others["litellm"], mock) if "litellm" in others else None
    rows = [COLUMNS, ("---",) * len(COLUMNS), _row(mock, figures(mock, mock), None, is_mock=True)]
    rows += [_row(each, figures(each, mock), peer, is_mock=False) for each in others.values()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(measured: Measured, own: Figures, peer: Figures | None, *, is_mock: bool) -> tuple[str, ...]:
    return (
        measured.system.name,
        measured.system.logs,
        f"{own.rate:,.0f} ({own.lowest:,.0f} to {own.highest:,.0f})",
        f"{own.rate / peer.rate:.2f}" if peer else "",
        f"{own.p50:.2f}",
        f"{own.p99:.2f}",
        "" if is_mock else f"{own.added_p50:.2f}",
        "" if is_mock else f"{own.added_p99:.2f}",
        f"{own.added_p99 / peer.added_p99:.3f}" if peer else "",
    )


def remarks(mock: Measured, others: dict[str, Measured]) -> list[str]:
    """Whether the targets were met, and what makes a figure doubtful."""
    base = figures(mock, mock)
    lines = [
        f"{each.system.name} fell behind the calm rate: its latencies are those of a queue."
        for each in others.values()
        if figures(each, mock).calm_rate < HELD * base.calm_rate
    ]
    if "tropism" in others and "litellm" in others:
        own, peer = figures(others["tropism"], mock), figures(others["litellm"], mock)
        throughput, latency = own.rate / peer.rate, own.added_p99 / peer.added_p99
        lines += [
            f"Tropism answers {throughput:.1f} times as many requests/s as LiteLLM "
            f"(target: at least {THROUGHPUT_TARGET}, {_met(throughput >= THROUGHPUT_TARGET)}).",
            f"Its added p99 is {latency:.2f} of LiteLLM's (target: below 1/3, {_met(latency < LATENCY_TARGET)}).",
        ]
    return lines


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"


def write(document: Path, result: str) -> None:
    """Puts the result between the two markers of the document."""
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise BenchmarkError(f"{document} has no place for the result: {BEGIN} and {END} are missing.")
    document.write_text(f"{before}{BEGIN}\n\n{result}\n\n{END}{after}", encoding="utf-8")
