"""Fragments of tool calls, as servers really send them, become one form: id, type and name once, then arguments."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tropism.engines.fragments import Fragments, RawCall


def joined(*chunks: list[dict[str, Any]]) -> dict[int, tuple[str, str, str]]:
    """The calls as the official clients put them together: text under one name is joined."""
    fragments, calls = Fragments(), dict[int, tuple[str, str, str]]()
    for chunk in chunks:
        for each in fragments.take(msgspec.convert(chunk, list[RawCall])):
            id, name, arguments = calls.get(each.index, ("", "", ""))
            function = each.function
            calls[each.index] = (id + (each.id or ""), name + (function.name or ""), arguments + function.arguments)
            assert (each.type == "function") == (each.id is not None)
    return calls


def part(**fields: Any) -> dict[str, Any]:
    function = {name: fields.pop(name) for name in ("name", "arguments") if name in fields}
    return {**fields, "function": function}


BEGUN = [part(index=0, id="a", name="f", arguments="")]
CASES: dict[str, list[list[dict[str, Any]]]] = {
    "openai": [
        BEGUN,
        [part(index=0, arguments="{}")],
        [part(index=1, id="b", name="g", arguments="[")],
        [part(index=1, arguments="]")],
    ],
    "mixed": [
        [*BEGUN, part(index=1, id="b", name="g", arguments="")],
        [part(index=1, arguments="["), part(index=0, arguments="{")],
        [part(index=0, arguments="}")],
        [part(index=1, arguments="]")],
    ],
    "repeats-id-and-name": [
        [part(index=0, id="a", name="f", arguments="{")],
        [part(index=0, id="a", name="f", arguments="}")],
        [part(index=1, id="b", name="g", arguments="[]")],
    ],
    "no-index": [
        [part(id="a", name="f", arguments="{}")],
        [part(id="b", name="g", arguments="["), part(arguments="]")],
    ],
    "index-from-1": [
        [part(index=1, id="a", name="f", arguments="{}")],
        [part(index=2, id="b", name="g", arguments="[]")],
    ],
    "object": [[part(index=0, id="a", name="f", arguments={}), part(index=1, id="b", name="g", arguments="[]")]],
}


@pytest.mark.parametrize("case", CASES)
def test_calls_come_out_alike(case: str) -> None:
    assert joined(*CASES[case]) == {0: ("a", "f", "{}"), 1: ("b", "g", "[]")}


def test_a_call_without_an_id_gets_one() -> None:
    calls = joined([part(name="f", arguments="{}"), part(name="f", arguments="{}")])
    (first, *_), (second, *_) = calls.values()
    assert first != second
    assert first.startswith("call_")
