"""For tests of your reward server: run it on a free port, and check any server against the protocol."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from tropism.egress.policy import Egress
from tropism.rewards.http import running
from tropism.rewards.protocol import RewardError, RewardRefused
from tropism.rewards.remote import Limits, RemoteReward
from tropism.rewards.server import RewardServer
from tropism.wire.rewards import BATCH_SCORE, SCORE, Info, ScoreRequest, ScoreResponse, Turn

ANYWHERE = Egress(everything=True)
"""The guard keeps users of an engine from reaching inside; whoever runs a check is inside already."""
ONCE = Limits(batch=2, at_once=1, connect=5.0, answer=60.0, patience=0.0, tries=1)
SAMPLES = [
    [Turn(role="user", content="What is the capital of France?"), Turn(role="assistant", content=answer)]
    for answer in ("Paris.", "", "The capital is Paris — I am sure. 🦊", "no", "Paris.")
]


@contextmanager
def run_reward_server(server: RewardServer[Any], port: int = 0) -> Iterator[str]:
    """The URL of your server while it runs in a thread of this process, on a free port unless you name one."""
    ready = threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    outcome: list[str | BaseException] = []

    async def serve() -> None:
        async with running(server, "127.0.0.1", port) as url:
            outcome.append(url)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())
        except BaseException as error:
            outcome.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="reward-server", daemon=True)
    thread.start()
    ready.wait()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    try:
        yield outcome[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def check(url: str, metadata: Mapping[str, Any] | None = None) -> Info:
    """Check that what answers at this URL is a reward server; it returns who that is.

    `metadata` is an example of what the server wants with a request. Raises `AssertionError` with the first thing that
    is not as the protocol wants it.
    """
    return asyncio.run(_check(url, metadata))


async def _check(url: str, metadata: Mapping[str, Any] | None) -> Info:
    try:
        async with RemoteReward(url, egress=ANYWHERE, limits=ONCE) as server:
            info = await server.info()
            assert info.name, "/info: `name` is empty"
            await server.score(SAMPLES, [metadata] * len(SAMPLES))
            await _scores_one(server, metadata)
            await _refuses_nonsense(server)
    except RewardError as error:
        raise AssertionError(str(error)) from error
    return info


async def _scores_one(server: RemoteReward, metadata: Mapping[str, Any] | None) -> None:
    request = ScoreRequest(turns=SAMPLES[0], metadata=metadata, id="a-1")
    try:
        response = msgspec.json.decode(
            await server.ask("POST", SCORE, msgspec.json.encode(request)), type=ScoreResponse
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AssertionError(f"{SCORE} does not answer as the protocol wants: {error}") from error
    assert response.id in ("a-1", None, msgspec.UNSET), f"{SCORE} gives the id {response.id!r} back instead of 'a-1'"
    assert math.isfinite(response.reward), f"{SCORE} gives {response.reward}; a reward must be finite"


async def _refuses_nonsense(server: RemoteReward) -> None:
    for path, body in ((SCORE, {"turns": "none"}), (BATCH_SCORE, {"requests": [{}]})):
        answered = "status 200"
        try:
            await server.ask("POST", path, msgspec.json.encode(body))
        except RewardRefused as error:
            answered = str(error)
        assert "status 4" in answered, f"{path} does not refuse a wrong request with 422, or another 4xx: {answered}"
