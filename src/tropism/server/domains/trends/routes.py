"""Routes of trends."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.trends import service
from tropism.server.web.http import handles
from tropism.wire import trends as wire


@handles(wire.QUERY)
async def query(context: Context, request: wire.TrendQuery) -> wire.Trend:
    return await context.read(service.query, request)
