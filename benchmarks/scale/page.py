"""What was measured, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.markdown import table
from benchmarks.scale.replicas import Together


@dataclass(frozen=True)
class Figures:
    """Of one question, in milliseconds; and how many the answer said there are."""

    p50: float
    p99: float
    total: int | None
    is_exact: bool


@dataclass(frozen=True)
class Writes:
    """Interactions a second, ours and the floor's, and how many went into a commit."""

    ours: float
    floor: float
    batch: float


@dataclass(frozen=True)
class Measured:
    """One database at one size, or its writes."""

    kind: str
    size: int
    figures: dict[str, Figures]
    writes: Writes | None = None


def text(measured: Sequence[Measured], together: Sequence[Together]) -> str:
    """A table for each database, one for what they write, and one for engines that share a database."""
    kinds = list(dict.fromkeys(each.kind for each in measured))
    lines = [line for kind in kinds for line in _of(kind, [each for each in measured if each.kind == kind])]
    head = ["", "interactions a second", "the floor", "ratio", "in one commit"]
    rows = [[each.kind, *_written(each.writes)] for each in measured if each.writes]
    return "\n".join([*lines, table(head, rows), *_shared(together)])


def _shared(together: Sequence[Together]) -> list[str]:
    if not together:
        return []
    head = ["engines on one PostgreSQL", "answers a second", "to one engine", "p50 / p99, ms", "failed"]
    return ["", table(head, [_engines(each, together[0]) for each in together])]


def _engines(each: Together, one: Together) -> list[str]:
    ratio, took = f"{each.rate / one.rate:.2f}", f"{each.p50_ms:.1f} / {each.p99_ms:.1f}"
    return [f"{each.engines}", f"{each.rate:,.0f}", ratio, took, f"{each.failed}"]


def _of(kind: str, measured: Sequence[Measured]) -> list[str]:
    sizes = [each for each in measured if each.figures]
    if not sizes:
        return []
    head = [kind, *(f"{each.size:,}" for each in sizes), "last to first", "total_count at last"]
    rows = [[name, *_row([each.figures[name] for each in sizes])] for name in sizes[0].figures]
    return [table(head, rows), ""]


def _row(figures: Sequence[Figures]) -> list[str]:
    shown = [f"{each.p50:.1f} / {each.p99:.1f}" for each in figures]
    last = figures[-1]
    total = "" if last.total is None else f"{last.total:,}" if last.is_exact else f"at least {last.total:,}"
    return [*shown, f"{last.p50 / figures[0].p50:.1f} / {last.p99 / figures[0].p99:.1f}", total]


def _written(writes: Writes) -> list[str]:
    return [f"{writes.ours:,.0f}", f"{writes.floor:,.0f}", f"{writes.ours / writes.floor:.2f}", f"{writes.batch:.0f}"]
