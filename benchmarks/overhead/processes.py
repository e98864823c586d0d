"""What all processes of a session have used: processor time and memory, as Linux counts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

# Places in /proc/PID/stat behind the name, which may hold anything.
SESSION, USER_TIME, CHILDRENS_SYSTEM_TIME, RESIDENT = 3, 11, 14, 21


def cpu_seconds(leader: int) -> float:
    """Of the living, and of those that they have waited for."""
    return sum(sum(map(int, stat[USER_TIME : CHILDRENS_SYSTEM_TIME + 1])) for stat in _members(leader)) / TICKS


def resident_bytes(leader: int) -> int:
    """What they share counts for each."""
    return sum(int(stat[RESIDENT]) for stat in _members(leader)) * PAGE


def _members(leader: int) -> Iterator[list[str]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # It has just ended.
            continue
        if int(stat[SESSION]) == leader:
            yield stat
