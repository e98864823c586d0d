"""Routes of reward servers."""

from __future__ import annotations

from functools import partial

from tropism.server.context import Context
from tropism.server.domains.reward_servers import service
from tropism.server.domains.reward_servers.look import look
from tropism.server.web.http import handles
from tropism.wire import reward_servers as wire
from tropism.wire.page import Nothing


@handles(wire.ADD)
async def add(context: Context, request: wire.RewardServerCreate) -> wire.RewardServer:
    return await context.write(partial(service.add, egress=context.services.settings.egress), request)


@handles(wire.LIST)
async def list_all(context: Context, request: Nothing) -> wire.RewardServers:
    return await context.read(service.list_all, request)


@handles(wire.REMOVE)
async def remove(context: Context, request: wire.RewardServerReference) -> Nothing:
    return await context.write(service.remove, request)


@handles(wire.TEST)
async def test(context: Context, request: wire.RewardServerTest) -> wire.RewardServerReport:
    egress = context.services.settings.egress
    service.refuse_url(request.url, egress)
    return await look(request.url, egress)
