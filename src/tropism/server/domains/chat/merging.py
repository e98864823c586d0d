"""Several answers that grow at the same time, as one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from tropism.engines.protocol import Piece
from tropism.server.domains.chat.choice import Choice

Pieces = AsyncGenerator[tuple[Choice, Piece], None]
"""What is said, and the choice that it belongs to."""


async def merged(answers: Sequence[Pieces]) -> Pieces:
    """The pieces of several answers, as they come. The first error of one ends all."""
    queue: asyncio.Queue[tuple[Choice, Piece] | Exception | None] = asyncio.Queue(maxsize=64)

    async def feed(answer: Pieces) -> None:
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
