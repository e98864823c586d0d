"""Call a user's `score` for one request or many, and make of its answers what may be sent."""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from tropism.rewards.metadata import read_as
from tropism.rewards.server import Request, RewardServer, Score
from tropism.wire.rewards import ScoreRequest, ScoreResponse

AT_ONCE = 16
"""How many requests an `async` score works on at the same time."""
log = logging.getLogger("tropism.rewards")


class BadRequest(Exception):
    """It cannot be scored; the message names the request."""


class ScoreFailed(Exception):
    """The user's code failed, or gave no reward; the message names the request."""


class Scoring:
    """Scores with one server. A plain `score` has one thread, which all requests share."""

    def __init__(self, server: RewardServer[Any]) -> None:
        self._server, self._model = server, server.metadata_model
        self._thread = ThreadPoolExecutor(1, "score")
        self._slots = asyncio.Semaphore(AT_ONCE)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def score(self, asked: Sequence[ScoreRequest], place: Callable[[int], str]) -> list[ScoreResponse]:
        """One response each, in their order; `place` says where in the body a request stands."""
        requests = [self._request(each, place(number)) for number, each in enumerate(asked)]
        if not inspect.iscoroutinefunction(self._server.score):
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._plain, requests, place)
        return await all_of([self._awaited(each, place(number)) for number, each in enumerate(requests)])

    def _request(self, asked: ScoreRequest, place: str) -> Request[Any]:
        try:
            return Request(asked.turns, read_as(self._model, asked.metadata), asked.id)
        except ValueError as error:
            raise BadRequest(f"{place}: metadata: {error}") from None

    def _plain(self, requests: Sequence[Request[Any]], place: Callable[[int], str]) -> list[ScoreResponse]:
        made = []
        for number, request in enumerate(requests):
            try:
                scored = self._server.score(request)
            except Exception as error:
                raise _failed(request, place(number), error) from error
            made.append(_response(request, place(number), scored))
        return made

    async def _awaited(self, request: Request[Any], place: str) -> ScoreResponse:
        async with self._slots:
            try:
                scored = await self._server.score(request)  # type: ignore[misc]
            except Exception as error:
                raise _failed(request, place, error) from error
        return _response(request, place, scored)


async def all_of(work: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """What all of them return; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _failed(request: Request[Any], place: str, error: Exception) -> ScoreFailed:
    log.error("score failed for %s", _named(request, place), exc_info=error)
    return ScoreFailed(f"score failed for {_named(request, place)}: {type(error).__name__}: {error}")


def _response(request: Request[Any], place: str, scored: object) -> ScoreResponse:
    """The response, once it is sure that it can be sent."""
    given = scored if isinstance(scored, Score) else Score(scored)  # type: ignore[arg-type]
    try:
        reward = float(given.reward)
        metadata = msgspec.to_builtins(given.metadata)
    except (TypeError, ValueError, RecursionError) as error:
        raise ScoreFailed(f"score gave no reward for {_named(request, place)}: {error}") from None
    if not math.isfinite(reward):
        raise ScoreFailed(f"score gave {reward} for {_named(request, place)}; a reward must be finite")
    return ScoreResponse(reward=reward, metadata=metadata, id=msgspec.UNSET if request.id is None else request.id)


def _named(request: Request[Any], place: str) -> str:
    return place if request.id is None else f"{place} (id {request.id!r})"
