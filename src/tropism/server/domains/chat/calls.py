"""The calls of tools in an answer, put together from the fragments that a stream brings."""

from __future__ import annotations

from collections.abc import Sequence

from tropism.wire.tools import FunctionCall, ToolCall, ToolCallDelta


class Calls:
    """Calls that grow. Fragments of several calls may come mixed; their index tells them apart."""

    def __init__(self) -> None:
        self._growing: dict[int, _Call] = {}

    def take(self, fragments: Sequence[ToolCallDelta]) -> None:
        for fragment in fragments:
            self._growing.setdefault(fragment.index, _Call()).take(fragment)

    def whole(self) -> list[ToolCall] | None:
        """The calls as they are now, None if there are none."""
        return [call.whole() for _, call in sorted(self._growing.items())] or None


class _Call:
    """One call that grows."""

    def __init__(self) -> None:
        self._id = self._name = ""
        self._arguments: list[str] = []

    def take(self, fragment: ToolCallDelta) -> None:
        self._id = fragment.id or self._id
        self._name = fragment.function.name or self._name
        self._arguments.append(fragment.function.arguments)

    def whole(self) -> ToolCall:
        return ToolCall(
            id=self._id, type="function", function=FunctionCall(name=self._name, arguments="".join(self._arguments))
        )
