"""Load from wrk: as fast as the connections allow, or with pauses between requests."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import msgspec

from benchmarks.overhead.child import environment, tool
from benchmarks.overhead.failure import BenchmarkError
from benchmarks.overhead.processes import cpu_seconds
from benchmarks.overhead.system import Ask, System

SCRIPT = Path(__file__).with_name("load.lua")
ANSWER_SECONDS = 10
# What a system puts off until after its answers is finished then: it counts, and the next system does not pay for it.
REST_SECONDS = 1
# Few connections would meet too seldom for a 99th percentile that says something about others in the way.
FEWEST, USUAL_PAUSE_MS = 4, 50


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Each connection sends its next request when it has the answer, and has paused, at random, so long on average."""

    connections: int
    pause_ms: int = 0


CALM = Pace(connections=8, pause_ms=200)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What wrk saw in one run. `broken` counts socket errors and late answers."""

    answered: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float
    connections: int = 0
    cpu_seconds: float = 0.0
    """What the system used, until it had rested."""

    @property
    def rate(self) -> float:
        """2xx answers per second."""
        return self.answered / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time per answer. Those under way at the end count as answered, in favour of the slow."""
        return 1000 * self.cpu_seconds / (self.answered + self.connections)


def steady(rate: float, answer_ms: float) -> Pace:
    """So many requests per second, from a system that answers in that time."""
    connections = max(FEWEST, round(rate * (USUAL_PAUSE_MS + answer_ms) / 1000))
    return Pace(connections=connections, pause_ms=max(1, round(1000 * connections / rate - answer_ms)))


def run(system: System, ask: Ask, pace: Pace, seconds: int) -> Load:
    """One run of wrk, and a rest."""
    before = cpu_seconds(system.process)
    load = wrk(system, ask, pace, seconds)
    time.sleep(REST_SECONDS)
    used = cpu_seconds(system.process) - before
    return msgspec.structs.replace(load, connections=pace.connections, cpu_seconds=used)


def wrk(system: System, ask: Ask, pace: Pace, seconds: int) -> Load:
    """One run of wrk alone."""
    options = ["-t1", f"-c{pace.connections}", f"-d{seconds}s", f"--timeout={ANSWER_SECONDS}s", "-s", str(SCRIPT)]
    settings = {
        "BENCH_BODY": msgspec.json.encode(system.request(ask)).decode(),
        "BENCH_HEADERS": "".join(f"{name}: {value}\n" for name, value in system.headers.items()),
        "BENCH_PAUSE_MS": str(pace.pause_ms),
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
