"""Headers that go along to providers: the trace that a request belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

NONE: Mapping[str, str] = {}
HEADERS: ContextVar[Mapping[str, str]] = ContextVar("outgoing_headers", default=NONE)
"""Set for the attempt that is being made; engines send them as they are."""
