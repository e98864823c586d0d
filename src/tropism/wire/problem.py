"""The one error body of the API."""

from __future__ import annotations

from msgspec import Struct


class Problem(Struct, kw_only=True, frozen=True):
    """What went wrong. Switch on `type`, never on the message."""

    type: str
    message: str
    param: str | None = None
