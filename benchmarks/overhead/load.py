"""Load from wrk: as fast as the connections allow, or calm with pauses between requests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import msgspec

from benchmarks.overhead.child import environment, tool
from benchmarks.overhead.failure import BenchmarkError
from benchmarks.overhead.system import System

SCRIPT = Path(__file__).with_name("load.lua")
ANSWER_SECONDS = 10
CALM_CONNECTIONS = 8
CALM_PAUSE_MS = 200


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What wrk saw in one run. `broken` counts socket errors and late answers."""

    answered: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """2xx answers per second."""
        return self.answered / self.seconds


def busy(system: System, *, connections: int, seconds: int) -> Load:
    """Every connection sends its next request as soon as it has the answer."""
    return _run(system, connections=connections, seconds=seconds, pause_ms=0)


def calm(system: System, *, seconds: int) -> Load:
    """A moderate, near constant rate: each connection pauses much longer than an answer takes."""
    return _run(system, connections=CALM_CONNECTIONS, seconds=seconds, pause_ms=CALM_PAUSE_MS)


def _run(system: System, *, connections: int, seconds: int, pause_ms: int) -> Load:
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={ANSWER_SECONDS}s", "-s", str(SCRIPT)]
    settings = {
        "BENCH_BODY": msgspec.json.encode(system.request).decode(),
        "BENCH_KEY": system.key,
        "BENCH_PAUSE_MS": str(pause_ms),
    }
    finished = subprocess.run(
        [tool("wrk"), *options, system.url],
        env=environment(SCRIPT.parent, settings),
        capture_output=True,
        text=True,
        timeout=seconds + 3 * ANSWER_SECONDS,
        check=False,
    )
    if finished.returncode != 0:
        raise BenchmarkError(f"wrk failed on {system.name}:\n{finished.stdout}{finished.stderr}")
    return msgspec.json.decode(finished.stdout.splitlines()[-1], type=Load)


def version() -> str:
    """The version of the wrk in use."""
    # wrk prints its version with the usage text and exits 1.
    output = subprocess.run([tool("wrk"), "-v"], capture_output=True, text=True, check=False, timeout=10).stdout
    found = re.search(r"\d+\.\d+\.\d+", output)
    return found[0] if found else "unknown"
