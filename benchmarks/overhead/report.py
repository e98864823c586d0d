"""The result as markdown: medians over rounds, differences to the mock, ratios to the peers, and the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import msgspec

from benchmarks.markdown import table
from benchmarks.overhead.load import Load
from benchmarks.overhead.rounds import WAIT_MS, Measured
from benchmarks.overhead.system import CHUNKS

PEERS = ("litellm", "mlflow", "mlflow-traces", "portkey")
LITELLM_TARGET = 20
P99_TARGET_MS = 2.0
CHUNK_TARGET_US = 50.0
# Below this share of the wanted rate a system was a queue, and so are its latencies.
HELD = 0.75

REQUESTS = (
    "system",
    "logs",
    "requests/s (lowest to highest round)",
    "CPU ms per request",
    f"requests/s, mock waits {WAIT_MS} ms",
    "CPU ms per request then",
    "requests per CPU second ÷ LiteLLM",
    "added p50 ms, calm",
    "added p99 ms, calm",
    "added p99 ms at half load",
)
STREAMS = (
    "system",
    f"streams/s of {CHUNKS} chunks",
    "CPU ms per stream",
    "CPU µs per chunk",
    "MB before",
    "MB after",
    "answers",
)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One system's medians over rounds. What is added is taken within each round."""

    rate: float
    lowest: float
    highest: float
    cpu_ms: float
    waiting_rate: float
    waiting_cpu_ms: float
    stream_rate: float
    stream_cpu_ms: float
    chunk_us: float
    calm_p50: float
    calm_p99: float
    half_rate: float | None
    half_p99: float | None


def figures(measured: Measured, mock: Measured) -> Figures:
    """There is no half for the mock: it is what the others are held against."""
    busy, waiting, streamed, calm, half = measured.loads.values()
    rates = [load.rate for load in busy]
    pairs = list(zip(calm, mock.loads["calm"], strict=True))
    chunks = [1000 * (stream.cpu_ms - plain.cpu_ms) / CHUNKS for stream, plain in zip(streamed, busy, strict=True)]
    return Figures(
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        cpu_ms=median(load.cpu_ms for load in busy),
        waiting_rate=median(load.rate for load in waiting),
        waiting_cpu_ms=median(load.cpu_ms for load in waiting),
        stream_rate=median(load.rate for load in streamed),
        stream_cpu_ms=median(load.cpu_ms for load in streamed),
        chunk_us=median(chunks),
        calm_p50=median(own.p50_ms - base.p50_ms for own, base in pairs),
        calm_p99=median(own.p99_ms - base.p99_ms for own, base in pairs),
        half_rate=median(load.rate for load in half) if half else None,
        half_p99=_added_p99(half, measured.mock_at_half) if half else None,
    )


def _added_p99(loads: Sequence[Load], mock: Sequence[Load]) -> float:
    return median(own.p99_ms - base.p99_ms for own, base in zip(loads, mock, strict=True))


def tables(mock: Measured, others: Mapping[str, Measured]) -> str:
    """Requests, then streams and memory; `others` are by their short names."""
    peer = figures(others["litellm"], mock) if "litellm" in others else None
    systems = [mock, *others.values()]
    requests = [_requests(each, figures(each, mock), peer) for each in systems]
    streams = [_streams(each, figures(each, mock)) for each in systems]
    return f"{table(REQUESTS, requests)}\n\n{table(STREAMS, streams)}"


def _requests(measured: Measured, own: Figures, peer: Figures | None) -> list[str]:
    cells = [
        measured.system.name,
        measured.system.logs,
        f"{own.rate:,.0f} ({own.lowest:,.0f} to {own.highest:,.0f})",
        f"{own.cpu_ms:.3f}",
        f"{own.waiting_rate:,.0f}",
        f"{own.waiting_cpu_ms:.3f}",
    ]
    if own.half_p99 is None:
        return [*cells, "", "", "", ""]
    times = f"{peer.cpu_ms / own.cpu_ms:,.2f}" if peer else ""
    return [
        *cells,
        times,
        f"{own.calm_p50:.2f}",
        f"{own.calm_p99:.2f}",
        f"{own.half_p99:.2f} at {own.half_rate:,.0f}/s",
    ]


def _streams(measured: Measured, own: Figures) -> list[str]:
    return [
        measured.system.name,
        f"{own.stream_rate:,.0f}",
        f"{own.stream_cpu_ms:.2f}",
        f"{own.chunk_us:.1f}",
        f"{measured.bytes_before / 1e6:,.0f}",
        f"{measured.bytes_after / 1e6:,.0f}",
        f"{sum(load.answered for load in measured.all_loads):,}",
    ]


def remarks(mock: Measured, others: Mapping[str, Measured]) -> list[str]:
    """Whether the targets were met, and what makes a figure doubtful."""
    lines = [
        f"{each.system.name} fell behind a rate that it was to hold: those latencies are a queue's."
        for each in others.values()
        if _fell_behind(each, mock)
    ]
    if "tropism" not in others:
        return lines
    own = figures(others["tropism"], mock)
    peers = {others[name].system.name: figures(others[name], mock) for name in PEERS if name in others}
    return [
        *lines,
        *_ahead(own, figures(others["litellm"], mock) if "litellm" in others else None, peers),
        *_added(own),
    ]


def _fell_behind(measured: Measured, mock: Measured) -> bool:
    calm = median(load.rate for load in measured.loads["calm"]) / median(load.rate for load in mock.loads["calm"])
    half = median(load.rate for load in measured.loads["half"]) / median(load.rate for load in measured.mock_at_half)
    return min(calm, half) < HELD


def _ahead(own: Figures, litellm: Figures | None, peers: Mapping[str, Figures]) -> list[str]:
    """By processor time, as on a machine of few cores the load and the mock take turns with who is measured."""
    lines = []
    if litellm:
        times = litellm.cpu_ms / own.cpu_ms
        lines.append(
            f"Tropism answers {times:.1f} times as many requests per CPU second as LiteLLM "
            f"(target: at least {LITELLM_TARGET}, {_met(times >= LITELLM_TARGET)})."
        )
    if peers:
        best = min(peers, key=lambda name: peers[name].cpu_ms)
        times = peers[best].cpu_ms / own.cpu_ms
        lines.append(
            f"It answers {times:.2f} times as many as the best of the peers, {best} (target: more, {_met(times > 1)})."
        )
    return lines


def _added(own: Figures) -> list[str]:
    p99 = own.half_p99 or 0.0
    return [
        f"At half load it adds {p99:.2f} ms at p99 (target: below {P99_TARGET_MS:.0f}, {_met(p99 < P99_TARGET_MS)}).",
        f"To each chunk of a stream it adds {own.chunk_us:.0f} µs "
        f"(target: below {CHUNK_TARGET_US:.0f}, {_met(own.chunk_us < CHUNK_TARGET_US)}).",
    ]


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"
