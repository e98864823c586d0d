"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

COMMITS = 300
COMMIT_BYTES = 8192


def description() -> str:
    """Date, processor, and how busy others kept it."""
    day = datetime.now(UTC).date().isoformat()
    load = os.getloadavg()[0]
    return f"{day}, {os.cpu_count()} × {_processor()}, load average {load:.1f} before the start"


def disk(folder: Path) -> str:
    """How soon what lies there is confirmed to be written."""
    cuts = quantiles(_confirmations(folder), n=100)
    return f"the disk confirms a write within {1000 * cuts[49]:.2f} ms (p50) and {1000 * cuts[98]:.2f} ms (p99)"


def _confirmations(folder: Path) -> list[float]:
    """Seconds that fdatasync takes: nobody who logs durably answers sooner."""
    seconds = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(COMMITS):
            os.write(file.fileno(), b"x" * COMMIT_BYTES)
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - start)
    return seconds


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
