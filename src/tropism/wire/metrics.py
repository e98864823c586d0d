"""Figures for Prometheus."""

from __future__ import annotations

from msgspec import Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing


class Figures(Struct, kw_only=True, frozen=True):
    """Lines in the text format of Prometheus."""


GET = Endpoint(
    method="GET",
    path="/metrics",
    takes=Nothing,
    returns=Figures,
    permission="metrics:read",
    summary="Get figures in the format of Prometheus",
    sends="text/plain",
)
