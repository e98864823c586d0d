"""Routes of limits."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.limits import service
from tropism.server.web.http import handles
from tropism.wire import limits as wire
from tropism.wire.page import Nothing


@handles(wire.SET)
async def set_limit(context: Context, request: wire.LimitSet) -> wire.Limit:
    return await context.write(service.set_limit, request)


@handles(wire.LIST)
async def list_limits(context: Context, request: wire.LimitFilter) -> wire.Limits:
    return await context.read(service.list_limits, request)


@handles(wire.REMOVE)
async def remove(context: Context, request: wire.LimitReference) -> Nothing:
    return await context.write(service.remove, request)
