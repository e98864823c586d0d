"""Links of the OpenAPI document: which operations go on with what an answer names, made from the endpoint table.

An answer is of something that has a place, such as `/use_cases/{use_case}`: the place where it is got, changed or kept
after it was made. What is done there and below it takes the answer's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tropism.wire.endpoint import Endpoint

Row = Endpoint[Any, Any]
Fields = Mapping[type, Mapping[str, Any]]
"""The JSON schema of each struct."""
_LAST_NAME = re.compile(r"^(.*)/{(\w+)}$")


def links(rows: Sequence[Row], fields: Fields) -> dict[Row, dict[str, Any]]:
    """The links of each row's answer, by the operation that they lead to."""
    return {row: dict(_of(row, rows, fields)) for row in rows if row.method != "DELETE"}


def _of(source: Row, rows: Sequence[Row], fields: Fields) -> Iterator[tuple[str, Any]]:
    for place, expression in sorted(_places(source, rows, fields).items()):
        for target in rows:
            if target != source and f"{target.path}/".startswith(f"{place}/"):
                known = _around(source, target, place, fields) | {_names(place)[-1]: expression}
                if set(target.path_names) <= set(known):
                    yield target.name, _link(target, known)


def _places(source: Row, rows: Sequence[Row], fields: Fields) -> dict[str, str]:
    """Where that which the answer is of has its place, and what names it there."""
    found: dict[str, str] = {}
    for row in rows:
        if (match := _LAST_NAME.match(row.path)) is None:
            continue
        collection, name = match.groups()
        made_there = source.method == "POST" and source.path == collection
        if made_there and name in _certain(source.takes, fields):
            found[row.path] = f"$request.body#/{name}"
        elif made_there and name in _certain(source.returns, fields):
            found[row.path] = f"$response.body#/{name}"
        elif "id" in _certain(source.returns, fields) and (made_there or _is_of(row, source)):
            found[row.path] = "$response.body#/id"
    return found


def _is_of(row: Row, source: Row) -> bool:
    """Whether the row gets or changes what the answer is of."""
    return row.returns is source.returns and row.method in ("GET", "PATCH")


def _around(source: Row, target: Row, place: str, fields: Fields) -> dict[str, str]:
    """What else the target takes: what the place lies in, what the request named, and what a query has to say."""
    asked = {name: f"$request.body#/{name}" for name in _certain(source.takes, fields) if source.has_body}
    answered = {name: f"$response.body#/{name}" for name in _certain(source.returns, fields)}
    said = {name: f"$request.path.{name}" for name in source.path_names}
    query = () if target.has_body else set(_required(target.takes, fields)) - {*target.path_names}
    above = {name: each for name, each in (asked | answered | said).items() if name in (*_names(place), *query)}
    return {name: each for name, each in asked.items() if name in target.path_names} | above


def _link(target: Row, known: Mapping[str, str]) -> dict[str, Any]:
    places = {name: "path" if name in target.path_names else "query" for name in known}
    parameters = {f"{places[name]}.{name}": expression for name, expression in sorted(known.items())}
    return {"operationId": target.name, "description": target.summary, "parameters": parameters}


def _certain(struct: type, fields: Fields) -> set[str]:
    """The fields that are there and hold a text or a number, whatever else is given."""
    properties = fields[struct].get("properties", {})
    return {name for name in _required(struct, fields) if properties[name].get("type") in ("string", "integer")}


def _required(struct: type, fields: Fields) -> Sequence[str]:
    required: Sequence[str] = fields[struct].get("required", ())
    return required


def _names(path: str) -> Sequence[str]:
    return re.findall(r"{(\w+)}", path)
