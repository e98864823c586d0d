"""Three engines on one PostgreSQL behind nginx, beside one: chats a second, each logged before it is answered.

The model is the echo engine, so that all the work is ours and the database's. Both deployments run all the time and are
asked in turn. On a machine with fewer cores than processes this says what sharing costs, not what more machines bring.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from tests.e2e.process import ADMIN_KEY
from tests.e2e.several import replicas

from benchmarks.overhead.load import Load, Pace, wrk
from benchmarks.overhead.system import Ask, System
from tropism import Tropism

NUMBERS = (1, 3)
ROUNDS, SECONDS, CONNECTIONS = 3, 5, 32
USE_CASE = "replicas"


@dataclass(frozen=True)
class Together:
    """So many engines: answers a second, and how long one took, medians of the rounds."""

    engines: int
    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


def measure() -> list[Together]:
    """Needs the variable of `tropism.testing` that names a PostgreSQL server."""
    with ExitStack() as stack:
        systems = {number: stack.enter_context(_behind_nginx(number)) for number in NUMBERS}
        found: dict[int, list[Load]] = {number: [] for number in NUMBERS}
        for _ in range(ROUNDS):
            for number, system in systems.items():
                found[number].append(wrk(system, Ask(), Pace(connections=CONNECTIONS), SECONDS))
    return [_median(number, loads) for number, loads in found.items()]


@contextmanager
def _behind_nginx(number: int) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="tropism-replicas-") as folder:
        os.chmod(folder, 0o755)  # nginx's worker may be somebody else
        with replicas(Path(folder), number) as several:
            with Tropism(several.url, ADMIN_KEY) as client:
                client.use_cases.create(USE_CASE)
                client.models.attach("echo-a", use_case=USE_CASE, make_default=True, wait=True)
            yield System(
                name=f"{number} engine(s)",
                logs="each, before the answer",
                port=httpx2.URL(several.url).port or 80,
                process=0,
                model=USE_CASE,
                key=ADMIN_KEY,
            )


def _median(number: int, loads: list[Load]) -> Together:
    return Together(
        engines=number,
        rate=statistics.median(load.rate for load in loads),
        p50_ms=statistics.median(load.p50_ms for load in loads),
        p99_ms=statistics.median(load.p99_ms for load in loads),
        failed=sum(load.refused + load.broken for load in loads),
    )
