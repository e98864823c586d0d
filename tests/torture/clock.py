"""A clock that a test sets while processes run by it: theirs and that of all their children, and no other's."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("clock.c")


class SetClock:
    """So many seconds beside the machine's clock. Its monotonic one goes on as it does."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None or not Path("/proc/self").exists():
            pytest.skip("a clock of its own needs a C compiler, and Linux")
        self._file, library = folder / "clock", folder / "clock.so"
        self._file.write_bytes(bytes(8))
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self.environment: Mapping[str, str] = {"LD_PRELOAD": str(library), "TORTURE_CLOCK": str(self._file)}
        """Of a process that goes by this clock."""

    def set(self, seconds: int) -> None:
        handle = os.open(self._file, os.O_WRONLY)  # the same bytes, which the processes have mapped
        os.pwrite(handle, struct.pack("=q", seconds), 0)
        os.close(handle)
