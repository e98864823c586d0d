"""Health: whether the engine lives, and whether requests can be served."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing


class Health(Struct, kw_only=True, frozen=True):
    """The engine answers."""

    status: Literal["ok"]
    version: str


class Readiness(Struct, kw_only=True, frozen=True):
    """The engine and its database answer."""

    status: Literal["ready"]


GET = Endpoint(
    method="GET",
    path="/health",
    takes=Nothing,
    returns=Health,
    permission=None,
    summary="Tell whether the engine answers",
)
READY = Endpoint(
    method="GET",
    path="/ready",
    takes=Nothing,
    returns=Readiness,
    permission=None,
    summary="Tell whether requests can be served: 503 while the database does not answer",
)
