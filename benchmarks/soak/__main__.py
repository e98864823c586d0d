"""`python -m benchmarks.soak`: an hour of mixed load on `tropism serve`, and whether anything grew.

The clients are those of the crash tests: chats, streams, logged interactions, feedback and preferences in running A/B
tests, uploads, datasets from the log, deletions, repeated calls, short tests, and an evaluation every minute. Each
pauses now and then, so that the machine is busy but not full. One more only chats, and its latency is what is shown.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.chat.upstream import run_upstream
from tests.e2e.process import ADMIN_KEY, served
from tests.evaluation.judge import RuleJudge
from tests.torture.acknowledged import Acknowledged
from tests.torture.load import CASE, User, evaluate, prepare

from benchmarks import markdown
from benchmarks.overhead import machine
from benchmarks.soak.plot import svg
from benchmarks.soak.samples import MEASURES, Sample, change, held
from tropism import AsyncTropism

PICTURE = Path(__file__).parents[2] / "docs" / "soak.svg"
USERS, PAUSE_SECONDS = 8, 0.5
FEW = 5
SAMPLE_SECONDS, ASK_SECONDS, JOB_SECONDS = 10.0, 0.2, 60.0
HELLO: list[Any] = [{"role": "user", "content": "Where is my parcel?"}]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--write", action="store_true", help="replace the plot in docs/ and its figures")
    options = parser.parse_args()
    on = machine.description()
    with tempfile.TemporaryDirectory(prefix="tropism-soak-") as folder, run_upstream() as upstream:
        data = Path(folder, "data")
        data.mkdir()
        with served(data, "--port", "0", "--echo-models", "a,b") as engine:
            url = engine.ready()
            judge = prepare(url, RuleJudge(upstream).attach)
            soak = Soak(url, engine.process.pid, judge, Path(folder))
            asyncio.run(soak.run(options.minutes))
            engine.stop()
    result = f"Measured {on}; {options.minutes:g} minutes.\n\n{soak.table()}"
    print(result)
    if options.write:
        PICTURE.write_text(svg(soak.samples), encoding="utf-8")
        markdown.write("soak", f"{result}\n\n![The same over time](../docs/{PICTURE.name})")
    return 1 if soak.failed else 0


class Soak:
    """The load, and what was seen of the engine meanwhile."""

    def __init__(self, url: str, pid: int, judge: str, files: Path) -> None:
        self._url, self._pid, self._judge, self._files = url, pid, judge, files
        self._acknowledged = Acknowledged()
        self._took: list[float] = []
        self._asked = 0
        self.samples: list[Sample] = []

    @property
    def failed(self) -> list[str]:
        """Why calls were not answered as they should be."""
        return self._acknowledged.lost

    async def run(self, minutes: float) -> None:
        """Load and look for so long."""
        loads = [self._use(str(number)) for number in range(USERS)] + [self._ask(), self._judge_all()]
        tasks = [asyncio.create_task(load) for load in loads]
        began = time.monotonic()
        while (past := time.monotonic() - began) < minutes * 60:
            await asyncio.wait(tasks, timeout=SAMPLE_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
            self._sample(past / 60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _use(self, seed: str) -> None:
        dice = random.Random(seed)
        async with AsyncTropism(self._url, ADMIN_KEY) as client:
            client.set_default_use_case(CASE)
            user = User(seed, self._url, client, self._files, self._acknowledged)
            while True:
                await user.act()
                await asyncio.sleep(dice.expovariate(1 / PAUSE_SECONDS))

    async def _ask(self) -> None:
        async with AsyncTropism(self._url, ADMIN_KEY) as client:
            while True:
                began = time.perf_counter()
                await client.chat.create(HELLO, use_case=CASE)
                self._took.append((time.perf_counter() - began) * 1000)
                self._asked += 1
                await asyncio.sleep(ASK_SECONDS)

    async def _judge_all(self) -> None:
        while True:
            await asyncio.to_thread(evaluate, self._url, self._judge, self._acknowledged)
            await asyncio.sleep(JOB_SECONDS)

    def _sample(self, minutes: float) -> None:
        took, self._took = sorted(self._took), []
        if not took:
            sys.exit("no chat was answered between two samples")
        p99 = took[min(len(took) - 1, round(0.99 * len(took)))]
        done = self._acknowledged.count + self._asked
        self.samples.append(Sample(minutes, *held(self._pid), statistics.median(took), p99, done))
        if len(self.samples) % 30 == 0:
            print(self.samples[-1], file=sys.stderr, flush=True)

    def table(self) -> str:
        """How each measure changed, and how much was done."""
        head = ("", "second sixth of the time", "last sixth", "ratio")
        rows = []
        for measure, title in MEASURES.items():
            first, last = change(self.samples, measure)
            rows.append((title, f"{first:,.1f}", f"{last:,.1f}", f"{last / first:.2f}"))
        failed = f"{len(self.failed)} failed{': ' if self.failed else ''}{'; '.join(self.failed[:FEW])}"
        done = f"{self.samples[-1].done:,} calls were answered, {failed}."
        return f"{markdown.table(head, rows)}\n\n{done}"


if __name__ == "__main__":
    sys.exit(main())
