"""How many CPU threads a local engine gets unless someone says otherwise."""

from __future__ import annotations

import math
import os
from pathlib import Path

_SMALL_MODEL = 500 * 2**20


def default_threads(model_bytes: int) -> int:
    """Leave a core to the server. A small model gains nothing from many threads: they wait for each other.

    On two cores one thread was faster than two whenever anything else ran.
    """
    free = max(1, usable_cores() - 1)
    return min(4, free) if model_bytes < _SMALL_MODEL else free


def usable_cores() -> int:
    """Physical cores that this process may use: a core counts once, and a container has only its share."""
    return max(1, min(_physical_cores(), _container_share()))


def _physical_cores() -> int:
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})


def _siblings(cpu: int) -> str:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _container_share() -> int:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return math.floor(int(quota) / int(period))
    except (OSError, ValueError):
        return os.cpu_count() or 1
