"""`python -m benchmarks.scale`: the first page of every filter, and its total count, on logs of growing size.

A real server on a real database, asked over HTTP by one client. Rows are put into the tables directly, everything else
comes through the API. PostgreSQL is one that is started for the run, or that of `--postgres`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx2
from tests.postgres import postgres_server

from benchmarks import markdown
from benchmarks.overhead import machine
from benchmarks.scale import asked, page, replicas, writes
from benchmarks.scale.load import load
from benchmarks.scale.page import Figures, Measured
from benchmarks.scale.replicas import Together
from benchmarks.scale.rows import World
from benchmarks.scale.world import MODELS, USE_CASE, made_through_the_api
from tropism.testing import RunningServer, run_server

SIZES = (10_000, 1_000_000, 10_000_000)
WHOLES = 3
"""What reads all of the log is asked so often."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="how many interactions")
    parser.add_argument("--requests", type=int, default=200, help="of each filter, after some to warm up")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database instead of both")
    parser.add_argument("--postgres", help="the URL of a server, instead of one that is started")
    parser.add_argument("--write", action="store_true", help="replace the figures in benchmarks/README.md")
    options = parser.parse_args()
    on = machine.description()
    measured: list[Measured] = []
    together: list[Together] = []
    for kind in (options.only,) if options.only else ("sqlite", "postgresql"):
        given = nullcontext(options.postgres) if options.postgres else postgres_server(durable=True)
        with given if kind == "postgresql" else nullcontext(None) as postgres, _where(postgres):
            measured += [_at(size, kind, options.requests) for size in options.sizes]
            _say(f"{kind}: writing")
            measured.append(writes.measure(kind))
            if kind == "postgresql":
                _say(f"{kind}: several engines")
                together = replicas.measure()
    result = f"Measured {on}.\n\n{page.text(measured, together)}"
    print(result)
    if options.write:
        markdown.write("scale", result)
    return 0


def _at(size: int, kind: str, requests: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="tropism-scale-") as folder:
        data = Path(folder)
        with run_server(echo_models=MODELS, data=data) as server:
            world = made_through_the_api(server, size)
            database = server.database
        _say(f"{kind}, {size:,} interactions: loading")
        took = load(database, world)
        _say(f"{kind}, {size:,} interactions: loaded in {took:.0f} s, asking")
        with run_server(echo_models=MODELS, data=data) as server:
            return Measured(kind, size, _ask(server, world, requests))


@contextmanager
def _where(postgres: str | None) -> Iterator[None]:
    """The variable that says where a server's database is; see `tropism.testing`."""
    before = os.environ.pop("TROPISM_TEST_POSTGRES", None)
    if postgres:
        os.environ["TROPISM_TEST_POSTGRES"] = postgres
    try:
        yield
    finally:
        os.environ.pop("TROPISM_TEST_POSTGRES", None)
        if before:
            os.environ["TROPISM_TEST_POSTGRES"] = before


def _ask(server: RunningServer, world: World, requests: int) -> dict[str, Figures]:
    found = {}
    headers = {"authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=server.base_url, headers=headers, timeout=600) as client:
        for name, filters in asked.filters(world, USE_CASE).items():
            found[name] = _timed(client, {"filters": filters}, requests)
        for name, more in asked.wholes().items():
            found[name] = _timed(client, more, WHOLES)
        found["A/B report"] = _report(client, requests)
    return found


def _timed(client: httpx2.Client, body: dict[str, Any], requests: int) -> Figures:
    took = []
    for number in range(requests + max(1, requests // 10)):
        began = time.perf_counter()
        answer = client.post("/api/v1/interactions/query", json={"use_case": USE_CASE, **body})
        if number >= max(1, requests // 10):
            took.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    shown = answer.json()
    if not (shown["nodes"] or shown["groups"]):
        sys.exit(f"nothing matches {body}: this measures nothing")
    return Figures(statistics.median(took), _p99(took), shown["total_count"], shown.get("total_is_exact", True))


def _report(client: httpx2.Client, requests: int) -> Figures:
    took = []
    for _ in range(requests):
        began = time.perf_counter()
        answer = client.get(f"/api/v1/ab_tests/{USE_CASE}-test")
        took.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    return Figures(statistics.median(took), _p99(took), None, True)


def _p99(took: list[float]) -> float:
    """Of a few only, the longest."""
    return statistics.quantiles(took, n=100)[98] if len(took) >= 100 else max(took)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
