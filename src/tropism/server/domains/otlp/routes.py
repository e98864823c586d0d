"""The route of traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from tropism.server.context import Context
from tropism.server.domains.otlp import reading, service
from tropism.server.errors import TooLarge
from tropism.server.web.http import Raw, answers
from tropism.wire import otlp as wire


@answers(wire.TRACES)
async def traces(context: Context, request: wire.OtlpTarget, chunks: AsyncIterator[bytes]) -> Raw:
    limit = context.services.settings.max_body_bytes
    body = reading.unpacked(await _whole(chunks, limit), limit)
    found = await asyncio.to_thread(lambda: list(service.calls_in(reading.read(body))))
    exported = await context.write(partial(service.log, target=request), found) if found else wire.OtlpExported()
    return Raw(*reading.answer(body, exported))


async def _whole(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    parts, size = [], 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the body is longer than {limit} bytes; TROPISM_MAX_BODY_BYTES sets the limit")
        parts.append(chunk)
    return b"".join(parts)
