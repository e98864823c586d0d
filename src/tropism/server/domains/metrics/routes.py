"""The route of the figures for Prometheus."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.http import Raw, sends
from tropism.server.metrics import CONTENT_TYPE
from tropism.wire import metrics as wire
from tropism.wire.page import Nothing


@sends(wire.GET)
async def get(context: Context, request: Nothing) -> Raw:
    return Raw(context.services.observer.metrics.text(), CONTENT_TYPE)
