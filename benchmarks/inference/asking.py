"""The client: streams at once, each asking anew until it has had enough answers, and texts to embed."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

SUBJECTS = ("a lighthouse", "a lost key", "the first snow", "a night train", "an old map", "a borrowed book")
TEXT = "The parcel with the number {} left our warehouse this morning and should reach you tomorrow, before noon."


@dataclass(frozen=True)
class Target:
    """Where to ask, and by which name."""

    url: str
    model: str
    key: str = "none"


@dataclass(frozen=True)
class Chat:
    """Of some streams: tokens made in a second by all of them together, and the median wait for the first one."""

    tokens_per_second: float
    first_ms: float


async def chat(target: Target, streams: int, answers: int, tokens: int, salt: int) -> Chat:
    """Ask for `answers` answers on each of the streams. `salt` makes the prompts new, so that none is cached."""
    async with _session(target) as session:
        began = time.perf_counter()
        found = await asyncio.gather(
            *(_stream(session, target, answers, tokens, salt * 1000 + number) for number in range(streams))
        )
        took = time.perf_counter() - began
    made = sum(count for each in found for count, _ in each)
    return Chat(made / took, 1000 * statistics.median(first for each in found for _, first in each))


async def _stream(
    session: aiohttp.ClientSession, target: Target, answers: int, tokens: int, number: int
) -> list[tuple[int, float]]:
    return [await _answer(session, target, tokens, f"{number}.{turn}") for turn in range(answers)]


async def _answer(session: aiohttp.ClientSession, target: Target, tokens: int, number: str) -> tuple[int, float]:
    """How many tokens came, and the seconds to the first."""
    subject = SUBJECTS[sum(number.encode()) % len(SUBJECTS)]
    body: dict[str, Any] = {
        "model": target.model,
        "messages": [{"role": "user", "content": f"{number}: tell me a long story about {subject}, in many words."}],
        "temperature": 0,
        "max_tokens": tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    began, first, made = time.perf_counter(), 0.0, 0
    async with session.post(f"{target.url}/chat/completions", json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            event = msgspec.json.decode(line[6:])
            if not first and any(choice["delta"].get("content") for choice in event["choices"]):
                first = time.perf_counter() - began
            made = (event.get("usage") or {}).get("completion_tokens", made)
    if not (first and made):
        raise RuntimeError(f"{target.url} answered nothing: this measures nothing")
    return made, first


async def embed(target: Target, callers: int, texts: int, calls: int, salt: int) -> float:
    """Texts embedded in a second, by some callers, each of which makes calls of so many texts one after another."""
    async with _session(target) as session:
        began = time.perf_counter()
        first = [(salt * 100 + caller) * 10_000 for caller in range(callers)]
        await asyncio.gather(*(_embeddings(session, target, texts, calls, number) for number in first))
        return callers * texts * calls / (time.perf_counter() - began)


async def _embeddings(session: aiohttp.ClientSession, target: Target, texts: int, calls: int, first: int) -> None:
    for call in range(calls):
        wanted = [TEXT.format(first + call * texts + number) for number in range(texts)]
        body = {"model": target.model, "input": wanted}
        async with session.post(f"{target.url}/embeddings", json=body) as response:
            response.raise_for_status()
            if len(msgspec.json.decode(await response.read())["data"]) != texts:
                raise RuntimeError(f"{target.url} lost a text")


def _session(target: Target) -> aiohttp.ClientSession:
    # A connection for each request: llama.cpp's server may close one that is kept just when the next request is sent.
    connector = aiohttp.TCPConnector(force_close=True)
    return aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {target.key}"})
