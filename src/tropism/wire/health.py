"""Health: whether requests can be served."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing


class Health(Struct, kw_only=True, frozen=True):
    """The engine answers."""

    status: Literal["ok"]
    version: str


GET = Endpoint(
    method="GET",
    path="/health",
    takes=Nothing,
    returns=Health,
    permission=None,
    summary="Tell whether requests can be served",
)
