"""Routes of judges."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.judges import service
from tropism.server.web.http import handles
from tropism.wire import judges as wire
from tropism.wire.page import Nothing


@handles(wire.LIST)
async def list_all(context: Context, _: Nothing) -> wire.JudgeMethods:
    return service.methods()


@handles(wire.AGREEMENT)
async def agreement(context: Context, request: wire.AgreementQuery) -> wire.Agreement:
    return await context.read(service.agreement, request)
