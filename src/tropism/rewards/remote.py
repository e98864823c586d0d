"""Ask a reward server: in batches, several at once, again while it is away, never believing what it says unchecked.

With aiohttp, because it lets the egress guard see each address in the moment of connecting.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import msgspec

from tropism.egress.guard import checked_url, connector
from tropism.egress.policy import LAPTOP, Egress, EgressRefused
from tropism.rewards.exchange import Failing, reading
from tropism.rewards.protocol import Conversation, Metadata, RewardGone, RewardRefused
from tropism.rewards.schema import Check, checker
from tropism.rewards.scoring import all_of
from tropism.wire import rewards as wire

LONGEST_SCHEMA = 64 * 2**10
LONGEST_ANSWER = 16 * 2**20
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
log = logging.getLogger("tropism.rewards")
T = TypeVar("T")
OnWait = Callable[[str], object]
"""Told why a call is made again, before each pause; what it raises ends the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is asked at once, and for how long; times are in seconds."""

    batch: int = 32
    """Requests in one call."""
    at_once: int = 4
    """Calls at the same time."""
    connect: float = 10.0
    answer: float = 120.0
    """For one call, from its beginning to the end of its answer."""
    patience: float = 120.0
    """How long a server may be away before that is final."""
    tries: int = 3
    """How often a call is made that fails with status 500."""


class RemoteReward:
    """A reward server at a URL, as a `Reward`. Use it in an `async with` block."""

    def __init__(
        self, url: str, *, egress: Egress = LAPTOP, limits: Limits = Limits(), on_wait: OnWait = log.warning
    ) -> None:
        try:
            self._url = checked_url(url, egress)
        except EgressRefused as error:
            raise RewardRefused(error.strerror or str(error)) from None
        except ValueError as error:
            raise RewardRefused(str(error)) from None
        self._egress, self._limits, self._on_wait = egress, limits, on_wait
        self._slots = asyncio.Semaphore(limits.at_once)
        self._check: Check | None = None

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=connector(self._url, self._egress, limit=limits.at_once),
            timeout=aiohttp.ClientTimeout(total=limits.answer, sock_connect=limits.connect),
            headers={"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "tropism"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small answer cannot become a large one
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._session.close()

    async def info(self) -> wire.Info:
        """Who it is."""
        return _decoded(await self.ask("GET", wire.INFO, most=LONGEST_SCHEMA), wire.Info, wire.INFO)

    async def metadata_schema(self) -> dict[str, Any]:
        """The JSON schema of the metadata that it wants; raises `RewardRefused` when it is none."""
        body = await self.ask("GET", wire.METADATA_SCHEMA, most=LONGEST_SCHEMA)
        schema = _decoded(body, dict[str, Any], wire.METADATA_SCHEMA)
        self._check = await asyncio.to_thread(checker, schema)
        return schema

    async def check_metadata(self, metadata: Iterable[Metadata | None]) -> None:
        """Raise `RewardRefused` for the first metadata that the server's schema does not take."""
        if self._check is None:
            await self.metadata_schema()
        assert self._check is not None
        for number, each in enumerate(metadata):
            if (wrong := self._check(each)) is not None:
                raise RewardRefused(f"the metadata of sample {number} is not what the reward server takes: {wrong}")

    async def score(
        self, conversations: Sequence[Conversation], metadata: Sequence[Metadata | None] | None = None
    ) -> list[float]:
        """One finite reward for each conversation, in their order. Nothing is sent before all metadata is checked."""
        given: Sequence[Metadata | None] = [None] * len(conversations) if metadata is None else metadata
        if len(given) != len(conversations):
            raise ValueError(f"{len(conversations)} conversations, but metadata for {len(given)}")
        await self.check_metadata(given)
        asked = [
            wire.ScoreRequest(turns=turns, metadata=each, id=str(number))
            for number, (turns, each) in enumerate(zip(conversations, given, strict=True))
        ]
        size = self._limits.batch
        parts = await all_of([self._batch(asked[at : at + size]) for at in range(0, len(asked), size)])
        return [reward for part in parts for reward in part]

    async def _batch(self, asked: Sequence[wire.ScoreRequest]) -> list[float]:
        body = msgspec.json.encode(wire.BatchScoreRequest(requests=asked))
        async with self._slots:
            answer = await self.ask("POST", wire.BATCH_SCORE, body)
        return _rewards(asked, _decoded(answer, wire.BatchScoreResponse, wire.BATCH_SCORE).responses)

    async def ask(self, method: str, path: str, body: bytes | None = None, *, most: int = LONGEST_ANSWER) -> bytes:
        """The answer to one call as it is, made again while the server is away or fails."""
        loop = asyncio.get_running_loop()
        gone_since: float | None = None
        tried = 0
        while True:
            try:
                return await self._once(method, path, body, most)
            except RewardGone as error:
                gone_since = loop.time() if gone_since is None else gone_since
                if loop.time() - gone_since >= self._limits.patience:
                    raise
                reason = str(error)
            except Failing as error:
                if tried + 1 >= self._limits.tries:
                    raise
                reason = str(error)
            self._on_wait(f"{reason}; trying again")
            tried += 1
            await asyncio.sleep(min(FIRST_PAUSE * 2.0**tried, LONGEST_PAUSE) * random.uniform(0.5, 1))

    async def _once(self, method: str, path: str, body: bytes | None, most: int) -> bytes:
        url = self._url.with_path(self._url.path.rstrip("/") + path)  # without query and fragment
        return await reading(self._session.request(method, url, data=body, allow_redirects=False), most)


def _decoded(body: bytes, kind: type[T], path: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RewardRefused(f"{path} of the reward server does not answer as the protocol wants: {error}") from None
    except RecursionError:
        raise RewardRefused(f"{path} of the reward server answers with JSON that is nested too deeply") from None


def _rewards(asked: Sequence[wire.ScoreRequest], responses: Sequence[wire.ScoreResponse]) -> list[float]:
    """The rewards in the order of the requests: by the ids of the responses, or in their order if none has one."""
    ids = [each.id for each in responses if each.id not in (None, msgspec.UNSET)]
    if len(responses) != len(asked) or len(ids) not in (0, len(asked)):
        raise RewardRefused(f"the reward server gave {len(responses)} responses ({len(ids)} with ids) to {len(asked)}")
    by_id: Mapping[str, float] = {str(each.id): each.reward for each in responses}
    if ids and set(by_id) != {each.id for each in asked}:
        raise RewardRefused("the ids of the reward server's responses are not those of the requests")
    found = [by_id[str(each.id)] for each in asked] if ids else [each.reward for each in responses]
    if wrong := [reward for reward in found if not math.isfinite(reward)]:
        raise RewardRefused(f"the reward server gave {wrong[0]} as a reward; it must be a finite number")
    return found
