"""The newest of many ids: `max`, which PostgreSQL before 18 does not have for `uuid`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tropism.server.database.types import Id


class newest(FunctionElement[Any]):
    """The aggregate of a column of ids that is the latest of them."""

    type = Id()
    inherit_cache = True

    def __init__(self, ids: ColumnElement[Any]) -> None:
        super().__init__(ids)


@compiles(newest)
def _max(element: newest, compiler: Any, **given: Any) -> str:
    return f"max({compiler.process(element.clauses, **given)})"


@compiles(newest, "postgresql")
def _max_of_text(element: newest, compiler: Any, **given: Any) -> str:
    """As text, byte by byte, ids sort as they do themselves."""
    return f'CAST(max(CAST({compiler.process(element.clauses, **given)} AS text) COLLATE "C") AS uuid)'
