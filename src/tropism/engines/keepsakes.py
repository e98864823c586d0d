"""What a provider wants back with a call of a tool, and callers never see: thoughts, signatures of thoughts."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MOST = 10_000
"""Calls. A conversation goes on within minutes, or without what is forgotten."""


class Keepsakes:
    """By the id of the call. Kept in this process only: providers take a conversation without them, too."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def keep(self, call_id: str | None, value: Any) -> None:
        if call_id and value:
            self._kept[call_id] = value
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def of(self, call_id: str) -> Any:
        """What was kept for this call, or None."""
        return self._kept.get(call_id)
