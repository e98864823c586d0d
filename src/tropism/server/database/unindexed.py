"""A column as a planner without statistics should see it: to be looked at, not to be searched by.

Where two indexes are as good to it, SQLite may read all of a use case to count five interactions of one session.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tropism.server.database.types import Id


class unindexed(FunctionElement[Any]):
    """A column of ids whose indexes SQLite leaves alone. PostgreSQL knows how many rows each way has."""

    type = Id()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)


@compiles(unindexed)
def _plus(element: unindexed, compiler: Any, **given: Any) -> str:
    return f"+{compiler.process(element.clauses, **given)}"


@compiles(unindexed, "postgresql")
def _plain(element: unindexed, compiler: Any, **given: Any) -> str:
    return str(compiler.process(element.clauses, **given))
