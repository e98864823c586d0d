"""The route that says whether requests can be served."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.http import handles
from tropism.version import __version__
from tropism.wire import health as wire
from tropism.wire.page import Nothing


@handles(wire.GET)
async def get(context: Context, _: Nothing) -> wire.Health:
    return wire.Health(status="ok", version=__version__)
