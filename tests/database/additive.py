"""What a change of the schema takes from engines that do not know of it: seen in the tables themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, inspect

Shape = Mapping[str, Mapping[str, Any]]


def shape(engine: Engine) -> Shape:
    """Every table, with what a statement of an engine can depend on."""
    found = inspect(engine)
    return {
        table: {
            "columns": {each["name"]: each for each in found.get_columns(table)},
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "unique": _unique(found, table),
            "checks": {each["sqltext"] for each in found.get_check_constraints(table)},
            "foreign": {_foreign(each) for each in found.get_foreign_keys(table)},
        }
        for table in found.get_table_names()
    }


def _unique(found: Any, table: str) -> set[tuple[str, ...]]:
    indexes = [each for each in found.get_indexes(table) if each["unique"]]
    return {tuple(each["column_names"]) for each in (*found.get_unique_constraints(table), *indexes)}


def _foreign(key: Any) -> tuple[str, tuple[str, ...], str]:
    return key["referred_table"], tuple(key["constrained_columns"]), key["options"].get("ondelete", "")


def taken(before: Shape, after: Shape) -> list[str]:
    """What an engine that knows `before` would miss or be refused with `after`; nothing if it was only added to."""
    lost = [f"table {table} is gone" for table in before if table not in after]
    for table, new in after.items():
        lost += _in_table(table, before[table], new) if table in before else _by_new_table(table, new, before)
    return lost


def _in_table(table: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    columns = new["columns"]
    lost = [f"column {table}.{name} is gone" for name in old["columns"] if name not in columns]
    lost += [f"the primary key of {table} is another"] * (old["key"] != new["key"])
    for what in ("unique", "checks", "foreign"):
        lost += [f"{table} has something new in {what}: {each}" for each in new[what] - old[what]]
    for name, column in columns.items():
        lost += _in_column(f"{table}.{name}", old["columns"].get(name), column)
    return lost


def _in_column(name: str, old: Any, new: Any) -> list[str]:
    if old is None:
        is_filled = new["nullable"] or new["default"] is not None or new.get("identity") or new.get("computed")
        return [] if is_filled else [f"new column {name} must be given a value"]
    lost = [f"column {name} is {new['type']} and was {old['type']}"] * (str(old["type"]) != str(new["type"]))
    lost += [f"column {name} must be given a value"] * (old["nullable"] and not new["nullable"])
    return lost + [f"column {name} lost its default"] * (old["default"] is not None and new["default"] is None)


def _by_new_table(table: str, new: Mapping[str, Any], before: Shape) -> list[str]:
    """A row that is referred to cannot be deleted by who does not know what refers to it."""
    return [
        f"rows of {referred} cannot be deleted for {table}"
        for referred, _, on_delete in new["foreign"]
        if referred in before and on_delete.upper() not in ("CASCADE", "SET NULL")
    ]
