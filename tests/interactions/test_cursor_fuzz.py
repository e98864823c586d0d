"""Cursors that nobody wrote, or that somebody changed: a refusal, never an error of ours."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tropism.server.domains.interactions import cursors
from tropism.server.domains.interactions.cursors import Position
from tropism.server.errors import InvalidRequest
from tropism.wire.interactions import InteractionQuery, Order
from tropism.wire.page import Page

QUERY = InteractionQuery(use_case="case")
BY_LATENCY = InteractionQuery(use_case="case", order=[Order(field="latency_ms")])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary().map(lambda each: base64.urlsafe_b64encode(each).decode()) | JSON.map(encoded))
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        cursors.window(msgspec.structs.replace(QUERY, page=Page(after=cursor)))


@settings(max_examples=100, deadline=None)
@given(st.uuids(), st.integers(0, 200), st.integers(0, 255))
def test_a_cursor_that_was_changed_is_another_place_or_none(id: UUID, at: int, to: int) -> None:
    cursor = cursors.write(Position(None, id), QUERY)
    changed = bytearray(cursor.encode())
    changed[at % len(changed)] = to
    query = msgspec.structs.replace(QUERY, page=Page(after=changed.decode("latin-1")))
    try:
        found = cursors.window(query).position
    except InvalidRequest:
        return
    assert found is not None
    assert found.value is None


@settings(max_examples=50, deadline=None)
@given(st.uuids(), st.floats(allow_nan=False, allow_infinity=False))
def test_a_cursor_comes_back_as_it_was_for_its_own_query_alone(id: UUID, value: float) -> None:
    for position, query, other in ((Position(None, id), QUERY, BY_LATENCY), (Position(value, id), BY_LATENCY, QUERY)):
        page = Page(after=cursors.write(position, query), first=7)
        assert cursors.window(msgspec.structs.replace(query, page=page)) == (7, False, position)
        with pytest.raises(InvalidRequest, match="belongs to a query"):
            cursors.window(msgspec.structs.replace(other, page=page))


def test_a_place_in_an_order_is_no_place_in_time() -> None:
    cursor = cursors.write(Position(1.5, uuid4()), QUERY)
    with pytest.raises(InvalidRequest):
        cursors.window(msgspec.structs.replace(QUERY, page=Page(before=cursor)))
