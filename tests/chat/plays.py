"""How a provider plays its part: it answers, hangs, breaks or refuses."""

from __future__ import annotations

import json

from tests.chat.upstream import Play, Request, Upstream


async def answer(request: Request) -> None:
    """Whole or streamed, as it is asked."""
    if not request.body.get("stream"):
        request.answer("far")
        return
    request.begin()
    await request.say("far")
    await request.end()


async def hang(request: Request) -> None:
    if request.body.get("stream"):
        request.begin()
    await request.until_gone()


async def reset(request: Request) -> None:
    request.reset()


def refuse(status: int, retry_after: str | None = None, words: str = "not now") -> Play:
    async def play(request: Request) -> None:
        body = json.dumps({"error": {"message": words}}).encode()
        more = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        request.writer.write(head.encode() + body)

    return play


def in_turn(*plays: Play) -> Play:
    """The first request is played the first of them, and so on; the last one from then on."""
    rest = iter(plays[:-1])

    async def play(request: Request) -> None:
        await next(rest, plays[-1])(request)

    return play


def asked(upstream: Upstream, key: str) -> int:
    return sum(request.model == key for request in upstream.requests)
