"""The route of the figures for Prometheus."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.observability.metrics import CONTENT_TYPE
from tropism.server.web.http import Raw, sends
from tropism.wire import metrics as wire
from tropism.wire.page import Nothing


@sends(wire.GET)
async def get(context: Context, request: Nothing) -> Raw:
    """What is counted by use case is shown of those that the caller sees."""
    seen = {used.key for used in context.snapshot.use_cases.values() if context.principal.sees(used.team_id, used.id)}
    return Raw(context.services.observer.metrics.text(seen), CONTENT_TYPE)
