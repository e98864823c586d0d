"""Routes of A/B tests."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.ab_tests import planning, service
from tropism.server.web.http import handles
from tropism.wire import ab_tests as wire


@handles(wire.CREATE)
async def create(context: Context, request: wire.ABTestCreate) -> wire.ABTest:
    return await context.write(service.create, request)


@handles(wire.LIST)
async def list_all(context: Context, request: wire.ABTestFilter) -> wire.ABTests:
    return await context.read(service.list_all, request)


@handles(wire.GET)
async def get(context: Context, request: wire.ABTestReference) -> wire.ABTest:
    return await context.read(service.get, request)


@handles(wire.CANCEL)
async def cancel(context: Context, request: wire.ABTestReference) -> wire.ABTest:
    return await context.write(service.cancel, request)


@handles(wire.HISTORY)
async def history(context: Context, request: wire.ABTestReference) -> wire.History:
    return await context.read(service.history_of, request)


@handles(wire.PLAN)
async def plan(context: Context, request: wire.PlanRequest) -> wire.Forecast:
    return planning.plan(request)
