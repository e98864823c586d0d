"""Several answers that grow at the same time, as one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def merged(answers: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """The pieces of several answers, as they come. The first error of one ends all."""
    queue: asyncio.Queue[T | Exception | None] = asyncio.Queue(maxsize=64)

    async def feed(answer: AsyncGenerator[T, None]) -> None:
        try:
            async with aclosing(answer):
                async for piece in answer:
                    await queue.put(piece)
            await queue.put(None)
        except Exception as error:
            await queue.put(error)

    tasks = [asyncio.create_task(feed(answer)) for answer in answers]
    try:
        left = len(tasks)
        while left:
            piece = await queue.get()
            if isinstance(piece, Exception):
                raise piece
            if piece is None:
                left -= 1
            else:
                yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
