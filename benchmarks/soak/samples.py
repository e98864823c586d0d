"""What a process holds, read from the kernel, and how it changed from the first part of a run to the last."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """One moment; the latencies are those of the chats since the last one."""

    minutes: float
    memory_mb: float
    handles: int
    threads: int
    p50_ms: float
    p99_ms: float
    done: int
    """How many calls were answered so far."""


MEASURES = {
    "memory_mb": "memory, MB",
    "handles": "file handles",
    "threads": "threads",
    "p50_ms": "latency of a chat, p50, ms",
    "p99_ms": "latency of a chat, p99, ms",
}


def held(pid: int) -> tuple[float, int, int]:
    """Resident megabytes, file handles and threads of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    handles = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return int(status["VmRSS"].split()[0]) / 1024, handles, int(status["Threads"])


def change(samples: Sequence[Sample], measure: str) -> tuple[float, float]:
    """The medians of the second and of the last sixth of a run: the first one warms up."""
    values = [float(getattr(sample, measure)) for sample in samples]
    sixth = max(1, len(values) // 6)
    return statistics.median(values[sixth : 2 * sixth] or values), statistics.median(values[-sixth:])
