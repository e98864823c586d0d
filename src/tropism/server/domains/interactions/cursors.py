"""Cursors: where a page ended, for the query that made it and no other."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from tropism.server.errors import InvalidRequest
from tropism.wire.interactions import InteractionQuery
from tropism.wire.page import Page

PAGE_SIZE = 50


class Position(NamedTuple):
    """A row's place in an order: the value it is ordered by, and its id."""

    value: float | None
    id: UUID


class Window(NamedTuple):
    """Which rows to fetch: so many after a position, or before it."""

    size: int
    backwards: bool
    position: Position | None


_decode = msgspec.json.Decoder(tuple[float | None, UUID, str]).decode


def window(request: InteractionQuery) -> Window:
    """What the page asks for."""
    page = request.page or Page()
    backwards = page.last is not None or page.before is not None
    if backwards and (page.first is not None or page.after is not None):
        raise InvalidRequest("give `first` and `after`, or `last` and `before`, not both", param="page")
    cursor = page.before if backwards else page.after
    position = None if cursor is None else _read(cursor, request)
    return Window((page.last if backwards else page.first) or PAGE_SIZE, backwards, position)


def write(position: Position, request: InteractionQuery) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((*position, _fingerprint(request)))).decode().rstrip("=")


def _read(cursor: str, request: InteractionQuery) -> Position:
    try:
        value, id, fingerprint = _decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise InvalidRequest("this is no cursor; take it from page_info", param="page") from None
    if fingerprint != _fingerprint(request) or (value is None) != is_by_time(request):
        raise InvalidRequest("this cursor belongs to a query with another filter, order or group", param="page")
    return Position(value, id)


def is_by_time(request: InteractionQuery) -> bool:
    """Whether the order is that of the ids alone."""
    return not request.order or request.order[0].field == "created_at"


def _fingerprint(request: InteractionQuery) -> str:
    same: Any = msgspec.structs.replace(request, page=None)
    return hashlib.sha256(msgspec.json.encode(same, order="sorted")).hexdigest()[:16]
