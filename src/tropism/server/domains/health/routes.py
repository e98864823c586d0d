"""The routes that say whether the engine answers, and whether requests can be served."""

from __future__ import annotations

import asyncio

from sqlalchemy import literal, select

from tropism.server.context import Context
from tropism.server.database.session import Reading
from tropism.server.errors import DatabaseAway, NotReady
from tropism.server.web.http import handles
from tropism.version import __version__
from tropism.wire import health as wire
from tropism.wire.page import Nothing

PATIENCE = 2.0
"""Seconds that the database has to answer: less than those who probe wait."""


@handles(wire.GET)
async def get(context: Context, _: Nothing) -> wire.Health:
    return wire.Health(status="ok", version=__version__)


@handles(wire.READY)
async def ready(context: Context, nothing: Nothing) -> wire.Readiness:
    try:
        async with asyncio.timeout(PATIENCE):
            await context.read(_look, nothing)
    except TimeoutError:
        raise NotReady(f"the database did not answer within {PATIENCE:g} seconds") from None
    except DatabaseAway as error:
        raise NotReady("the database does not answer") from error
    return wire.Readiness(status="ready")


def _look(session: Reading, _: Nothing) -> None:
    session.value(select(literal(1)))
