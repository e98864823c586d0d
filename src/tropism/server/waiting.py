"""Waiting a moment, unless the server stops."""

from __future__ import annotations

import asyncio
import contextlib


async def stops_within(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait so long; whether the server was told to stop meanwhile."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()
