"""`python -m benchmarks.jobs`: chat through the echo engine, alone and while the bundled model judges a dataset.

Both are measured in turn, round after round, against one server on this machine: the figures that count are ratios. The
job must still run when its round ends, or the round says nothing. The floor is the same chat beside as many endless
loops of the same low priority as the job's engine has threads: what any process of that priority would cost.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tropism import Tropism
from tropism.sdk.inputs import DataConfigDict
from tropism.testing import run_server

HELLO = [{"role": "user", "content": "hello"}]
JUDGE = "smollm2-135m-instruct"
LINES = 400
LOOP = "from tropism.server.processes.low_priority import give_way\ngive_way()\nwhile True: pass"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of one measurement")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_server(bundled_models=True, echo_models=("echo",)) as server,
        Tropism(server.base_url, server.api_key) as client,
    ):
        _prepare(client, Path(folder))
        _measure(client, options.rounds, options.seconds)
    return 0


def _prepare(client: Tropism, folder: Path) -> None:
    client.set_default_use_case("default")
    client.models.attach("echo", wait=True)
    client.models.attach(JUDGE, wait=True)
    file = folder / "answers.jsonl"
    line = (
        '{{"prompt": "What is {0} plus {0}?", "completion": "{0} plus {0} is something that I would have to count."}}'
    )
    file.write_text("".join(line.format(number) + "\n" for number in range(LINES)))
    client.datasets.upload(str(file), "answers")


def _measure(client: Tropism, rounds: int, seconds: float) -> None:
    ways = {"alone": _nothing, "beside a judging job": _job, "beside loops of the same priority": _loops}
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            with way(client):
                found[name].append(_chat(client, seconds))
    base = found["alone"]
    print(f"{rounds} rounds of {seconds:g} s, one client without pauses, {os.cpu_count()} processors")
    print(f"{'':36}  p50 ms  p99 ms  p50 ÷ alone  p99 ÷ alone")
    for name, measured in found.items():
        p50, p99 = _median(measured, 50), _median(measured, 99)
        print(f"{name:36}  {p50:6.2f}  {p99:6.2f}  {p50 / _median(base, 50):11.2f}  {p99 / _median(base, 99):11.2f}")


@contextmanager
def _nothing(client: Tropism) -> Iterator[None]:
    yield


@contextmanager
def _job(client: Tropism) -> Iterator[None]:
    """A job that has begun to judge, and still does at the end."""
    data: DataConfigDict = {"datasource": {"dataset": {"dataset": "answers"}}}
    job = client.evaluation.jobs.create(data, [], JUDGE, "answer_relevancy").id
    while client.jobs.get(job).stages[-1].processed == 0:
        time.sleep(0.2)
    yield
    after = client.jobs.get(job)
    if after.status != "RUNNING":
        sys.exit(f"the job was {after.status} before its round ended: {after.error}")
    client.jobs.cancel(job)
    time.sleep(2)


@contextmanager
def _loops(client: Tropism) -> Iterator[None]:
    loops = [
        subprocess.Popen([sys.executable, "-c", LOOP], start_new_session=True)
        for _ in range(max(1, (os.cpu_count() or 2) - 1))
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def _chat(client: Tropism, seconds: float) -> list[float]:
    """Milliseconds of each chat."""
    took = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        client.chat.create(HELLO, model="echo")
        took.append((time.perf_counter() - began) * 1000)
    return took


def _median(rounds: list[list[float]], percent: int) -> float:
    """The median over rounds of a percentile."""
    return statistics.median(statistics.quantiles(took, n=100)[percent - 1] for took in rounds)


if __name__ == "__main__":
    sys.exit(main())
