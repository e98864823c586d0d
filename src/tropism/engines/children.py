"""What all child processes of engines have in common: what they may know of us, and why they ended."""

from __future__ import annotations

import os
import re
import signal

# The rest of our environment holds secrets that a process which parses foreign files has no need of.
_PASSED_ON = (
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "DYLD_", "PYTHON", "VIRTUAL_ENV"),
    *("OMP_", "GOMP_", "KMP_", "CUDA", "NVIDIA", "HIP_", "HSA_", "ROCR_", "ROCM_"),
)
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s'\"/]+/)+")


def passed_on(*more: str) -> dict[str, str]:
    """The part of our environment that a child gets; `more` are beginnings of names that it has use for."""
    return {name: value for name, value in os.environ.items() if name.startswith((*_PASSED_ON, *more))}


def without_folders(line: str) -> str:
    """The line, with files by their names alone: callers learn nothing of our disk."""
    return _FOLDERS.sub("", line)


def ending(code: int) -> str:
    """What the exit code says that the output does not; nothing when it only says that it failed."""
    if code >= 0:
        return ""
    name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    hints = {"SIGKILL": ", perhaps for lack of memory", "SIGILL": ", since this CPU lacks AVX2"}
    return f"its process was ended by {name}{hints.get(name, '')}"
