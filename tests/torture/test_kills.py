"""Kill the engine again and again under mixed traffic: what it acknowledged is there, once, and counted once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chat.upstream import Upstream, run_upstream
from tests.e2e.process import Served
from tests.evaluation.judge import RuleJudge, eventually
from tests.torture.acknowledged import Acknowledged
from tests.torture.found import check, is_at_rest
from tests.torture.load import evaluate, prepare, traffic

CLIENTS = 8
SECONDS = 90.0
JOBS_EVERY, CHECKED_EVERY = 5, 5
FEW = 10
pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="kills processes by signals")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


async def test_what_was_acknowledged_survives_kills(
    database: str,
    upstream: Upstream,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)  # who asks a dead engine again only waits
    monkeypatch.setattr("tropism.sdk.uploading.ATTEMPTS", 1)
    times, seed = request.config.getoption("times"), request.config.getoption("seed")
    storm = Storm(database, tmp_path, RuleJudge(upstream), seed)
    for turn in range(times):
        await storm.turn(turn)
        if turn % 10 == 9:
            with capsys.disabled():
                print(f"\n{storm.said(turn + 1)}", end="", flush=True)  # noqa: T201
    await storm.end(times)
    with capsys.disabled():
        print(f"\n{storm.said(times)}; seed {seed}")  # noqa: T201
    assert len(storm.acknowledged.completions) > 20 * times, "too little traffic to prove anything"
    assert storm.acknowledged.jobs
    # An upload takes several calls: in a few turns on a slow machine, all may be cut off.
    assert storm.acknowledged.datasets or times < FEW


class Storm:
    """An engine that is killed and started anew, and what its clients were told."""

    def __init__(self, database: str, folder: Path, judge: RuleJudge, seed: int) -> None:
        self._database, self._data, self._files = database, folder / "data", folder / "files"
        self._data.mkdir()
        self._files.mkdir()
        self._judge, self._seed, self._dice = judge, seed, random.Random(seed)
        self._began = time.monotonic()
        self.acknowledged = Acknowledged()

    async def turn(self, number: int) -> None:
        """Start, use, kill at some moment, and look now and then."""
        engine, url = await self._start(number)
        try:
            if number and number % CHECKED_EVERY == 0:
                await self._check(at_rest=False)
            if number % JOBS_EVERY == 0:
                await asyncio.to_thread(evaluate, url, self._judge.key, self.acknowledged)
            seeds = [f"{self._seed}/{number}/{client}" for client in range(CLIENTS)]
            async with traffic(url, self._files, self.acknowledged, seeds):
                enough = self.acknowledged.count + self._dice.randrange(1, 150)
                async with asyncio.timeout(SECONDS):
                    while self.acknowledged.count < enough:
                        await asyncio.sleep(0.001)
                await asyncio.sleep(self._dice.uniform(0, 0.02))
                await asyncio.to_thread(engine.kill)
        finally:
            if engine.process.poll() is None:
                engine.kill()

    async def end(self, number: int) -> None:
        """Let all that is under way come to its end, and look at everything."""
        engine, url = await self._start(number)
        try:
            async with traffic(url, self._files, self.acknowledged, []):
                pass  # what was asked and never answered is asked once more
            assert not self.acknowledged.unanswered
            await asyncio.to_thread(eventually, lambda: is_at_rest(self._database))
            assert await asyncio.to_thread(engine.stop) == 0
            await self._check(at_rest=True)
        finally:
            if engine.process.poll() is None:
                engine.kill()

    async def _start(self, number: int) -> tuple[Served, str]:
        arguments = ("--port", "0", "--echo-models", "a,b", "--database", self._database)
        engine = Served(self._data, *arguments)
        url = await asyncio.to_thread(engine.ready)
        if number == 0:
            await asyncio.to_thread(prepare, url, self._judge.attach)
        return engine, url

    async def _check(self, *, at_rest: bool) -> None:
        await asyncio.to_thread(check, self._database, self._data, self.acknowledged, at_rest=at_rest)

    def said(self, kills: int) -> str:
        it = self.acknowledged
        return (
            f"{kills} kills in {time.monotonic() - self._began:.0f} s: {len(it.completions)} completions, "
            f"{len(it.values)} values, {len(it.preferences)} preferences, {len(it.datasets)} datasets, "
            f"{len(it.tests)} tests, {len(it.deletions)} deletions, {len(it.jobs)} evaluations"
        )
