"""Routes of the audit log."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.audit import service
from tropism.server.web.http import handles
from tropism.wire import audit as wire
from tropism.wire.page import Nothing


@handles(wire.LIST)
async def list_entries(context: Context, request: wire.AuditFilter) -> wire.AuditEntries:
    return await context.read(service.list_entries, request)


@handles(wire.VERIFY)
async def verify(context: Context, request: Nothing) -> wire.AuditVerdict:
    return await context.read(service.verify, request)
