"""The OpenAPI 3.1 document, made from the endpoint table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tropism.server.web.browser import SIGN_IN
from tropism.server.web.openapi_links import links
from tropism.version import __version__
from tropism.wire.endpoint import Endpoint
from tropism.wire.openai import ErrorBody
from tropism.wire.page import Nothing
from tropism.wire.problem import Problem

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
PROTOBUF = "application/x-protobuf"
BYTES: Schema = {"type": "string", "format": "binary"}
SECURITY: Schema = {
    "key": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SIGN_IN,
        "description": "What changes something needs the header X-Tropism-CSRF as well. Over https, the name begins "
        "with __Host-.",
    },
}
STATUSES = {
    "400": "The bytes are no request",
    "401": "No api key, or an unknown one",
    "403": "The key may not do this",
    "404": "There is no such thing",
    "409": "It does not go with what is there",
    "413": "The body is too long",
    "422": "It cannot be meant",
    "429": "Too many calls; Retry-After says when to try again",
    "503": "Try again in a moment",
    "default": "Any other problem",
}


def document(endpoints: Iterable[Endpoint[Any, Any]]) -> Schema:
    """Every endpoint, with the schemas of what it takes, returns and streams."""
    rows = tuple(endpoints)
    types = {type for row in rows for type in (row.takes, row.returns, row.streams) if type} | {Problem, ErrorBody}
    ordered = sorted(types, key=lambda type: (type.__module__, type.__name__))
    references, components = msgspec.json.schema_components(ordered, ref_template=REFERENCE)
    schemas = dict(zip(ordered, references, strict=True))
    paths: Schema = {}
    found = links(rows, {type: _fields(schema, components) for type, schema in schemas.items()})
    for row in rows:
        operation = _operation(row, schemas, components)
        if found.get(row):
            operation["responses"][str(row.status)]["links"] = found[row]
        paths.setdefault(row.path, {})[row.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tropism", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }


def _operation(row: Endpoint[Any, Any], schemas: dict[type, Schema], components: Schema) -> Schema:
    fields = _fields(schemas[row.takes], components)
    operation: Schema = {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [_word(row)],
        "security": [{each: []} for each in SECURITY] if row.permission else [],
        "parameters": [_parameter(name, fields, "path") for name in row.path_names],
        "responses": _responses(row, schemas),
    }
    if row.permission:
        operation["x-permission"] = row.permission
    if not row.has_body:
        query = [name for name in fields.get("properties", {}) if name not in row.path_names]
        operation["parameters"] += [_parameter(name, fields, "query") for name in query]
    if row.receives:
        operation["requestBody"] = {"required": True, "content": {row.receives: {"schema": BYTES}}}
    elif row.has_body and (body := _body(row, schemas, fields)):
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _fields(schema: Schema, components: Schema) -> Schema:
    found: Schema = components[schema["$ref"].rpartition("/")[2]]
    return found


def _word(row: Endpoint[Any, Any]) -> str:
    """The word of the API that the row belongs to: the file of `wire/` that holds its structs."""
    own = next(type for type in (row.takes, row.returns) if type is not Nothing)
    return own.__module__.rpartition(".")[2]


def _parameter(name: str, fields: Schema, place: str) -> Schema:
    required = place == "path" or name in fields.get("required", [])
    return {"name": name, "in": place, "required": required, "schema": fields["properties"][name]}


def _body(row: Endpoint[Any, Any], schemas: dict[type, Schema], fields: Schema) -> Schema | None:
    """The schema of the body: the struct, less what the path says."""
    if not row.path_names:
        return schemas[row.takes]
    properties = {name: field for name, field in fields["properties"].items() if name not in row.path_names}
    if not properties:
        return None
    required = [name for name in fields.get("required", []) if name in properties]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _event(data: Schema) -> Schema:
    """One server-sent event: a chunk as JSON, and at the end a word."""
    chunk = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    return {"type": "object", "properties": {"data": {"anyOf": [chunk, {"const": "[DONE]"}]}}, "required": ["data"]}


def _responses(row: Endpoint[Any, Any], schemas: dict[type, Schema]) -> Schema:
    content = {row.sends: {"schema": BYTES}} if row.sends else {"application/json": {"schema": schemas[row.returns]}}
    if row.receives == PROTOBUF:  # answered in the encoding of the question
        content[PROTOBUF] = {"schema": BYTES}
    if row.streams:
        content["text/event-stream"] = {"schema": _event(schemas[row.streams])}
    error = schemas[ErrorBody if row.path.startswith("/v1/") else Problem]
    problems = {
        status: {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in STATUSES.items()
    }
    return {str(row.status): {"description": "OK", "content": content}, **problems}
