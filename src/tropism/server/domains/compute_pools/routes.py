"""Routes of compute pools."""

from __future__ import annotations

from functools import partial

from tropism.server.context import Context
from tropism.server.domains.compute_pools import listing
from tropism.server.web.http import handles
from tropism.wire import compute_pools as wire
from tropism.wire.page import Nothing


@handles(wire.LIST)
async def list_all(context: Context, request: Nothing) -> wire.ComputePools:
    gone = context.services.settings.worker_gone_seconds
    return await context.read(partial(listing.list_pools, gone_seconds=gone), request)
