"""Routes of users and permissions."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.access import service
from tropism.server.http import handles
from tropism.wire import access as wire
from tropism.wire.page import Nothing


@handles(wire.LIST_PERMISSIONS)
async def permissions(context: Context, request: Nothing) -> wire.Permissions:
    return await context.read(service.permissions, request)


@handles(wire.ME)
async def me(context: Context, request: Nothing) -> wire.User:
    return await context.read(service.me, request)
