"""Fragments of tool calls, brought into one form: servers differ in what they repeat and what they leave out."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import msgspec

from tropism.wire.tools import FunctionCallDelta, ToolCallDelta


class RawFunction(msgspec.Struct, frozen=True):
    """A call's function as servers send it; some send the arguments as an object."""

    name: str | None = None
    arguments: str | dict[str, object] | None = None


class RawCall(msgspec.Struct, frozen=True):
    """A call, or a fragment of one, as servers send it."""

    index: int | None = None
    id: str | None = None
    function: RawFunction = RawFunction()


class Fragments:
    """Tells the calls of one answer apart, so that each gets its id, type and name once, and first.

    Clients join what comes under the same name: a name that a server repeats would be doubled.
    """

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._places: dict[int, int] = {}

    def take(self, calls: Sequence[RawCall]) -> tuple[ToolCallDelta, ...]:
        return tuple(map(self._fragment, calls)) if calls else ()

    def begin(self, name: str, arguments: str = "", id: str | None = None) -> ToolCallDelta:
        """The first fragment of the next call."""
        return self._opened(RawCall(id=id, function=RawFunction(name=name, arguments=arguments)))

    def more(self, arguments: str) -> ToolCallDelta:
        """A further fragment of the call that was begun last."""
        return ToolCallDelta(index=len(self._ids) - 1, function=FunctionCallDelta(arguments=arguments))

    def __len__(self) -> int:
        return len(self._ids)

    def _fragment(self, call: RawCall) -> ToolCallDelta:
        place = self._place(call)
        if place is None:
            return self._opened(call)
        return ToolCallDelta(index=place, function=FunctionCallDelta(arguments=_text(call.function)))

    def _place(self, call: RawCall) -> int | None:
        """Which of the known calls this goes on with; None if it begins a new one."""
        if call.index is not None:
            return self._places.get(call.index)
        if call.id is not None:
            return self._ids.index(call.id) if call.id in self._ids else None
        return None if call.function.name or not self._ids else len(self._ids) - 1

    def _opened(self, call: RawCall) -> ToolCallDelta:
        place, id = len(self._ids), call.id or f"call_{uuid4().hex[:24]}"
        self._ids.append(id)
        self._places[place if call.index is None else call.index] = place
        function = FunctionCallDelta(name=call.function.name or "", arguments=_text(call.function))
        return ToolCallDelta(index=place, id=id, type="function", function=function)


def _text(function: RawFunction) -> str:
    given = function.arguments
    return msgspec.json.encode(given).decode() if isinstance(given, dict) else given or ""
