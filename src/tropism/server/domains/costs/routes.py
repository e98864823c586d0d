"""Routes of costs."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.costs import service
from tropism.server.web.http import handles
from tropism.wire import costs as wire
from tropism.wire.page import Nothing


@handles(wire.QUERY)
async def query(context: Context, request: wire.CostQuery) -> wire.Costs:
    return await context.read(service.query, request)


@handles(wire.PRICES)
async def prices(context: Context, request: Nothing) -> wire.PriceList:
    return service.prices(context.services.prices)
