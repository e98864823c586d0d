"""Pages of a list: cursors in, cursors out."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

PageSize = Annotated[int, Meta(ge=1, le=500)]


class Page(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which page: the `first` n after a cursor, or the `last` n before one."""

    first: PageSize | None = None
    after: str | None = None
    last: PageSize | None = None
    before: str | None = None


class PageInfo(Struct, kw_only=True, frozen=True):
    """Where this page stands. Give `end_cursor` as `after` for the next one, `start_cursor` as `before` to go back."""

    start_cursor: str | None
    end_cursor: str | None
    has_next_page: bool
    has_previous_page: bool


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """An empty request or answer."""
