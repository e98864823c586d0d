"""Finding an entity by its key or its id."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, Table, or_

from tropism.server.errors import InvalidRequest


def refers(table: Table, reference: str) -> ColumnElement[bool]:
    """The condition that a row is the one meant: by key, or by id where the reference looks like one."""
    by_key: ColumnElement[bool] = table.c.key == reference
    id = as_id(reference)
    return by_key if id is None else or_(by_key, table.c.id == id)


def as_id(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None


def refuse_id(key: str, param: str) -> str:
    """A key that looks like an id could be taken for another entity."""
    if as_id(key) is not None:
        raise InvalidRequest(f"{key!r} looks like an id; choose a key that a person can read", param=param)
    return key
