"""What a process that works beside the server does first, and how it answers (see processes.py)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")
NICENESS = 10
PR_SET_PDEATHSIG = 1


def give_way() -> None:
    """From here on everything else on the machine goes first."""
    os.nice(max(0, NICENESS - os.nice(0)))  # who started us may have given way already
    lower_session("self")


def lower_session(process: int | str) -> None:
    """Let the whole session of this process give way.

    Where Linux shares the processor out between sessions first, niceness counts only within each. Without this, a chat
    took ten times as long beside a job (benchmarks/jobs).
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{process}/autogroup").write_text(str(NICENESS))


def asked(type: type[T]) -> T:
    """What we are asked to do. From here on everything else on the machine goes first, and we die with the server."""
    give_way()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=type)


def answer(value: msgspec.Struct) -> None:
    """Say one thing, on one line."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()
