"""From a row of the API and a struct to the bytes of a request.

Nothing that the server checks is checked here: one judge, one wording. What is caught is what would not arrive as it
was meant: a NaN (JSON has none), a type that JSON cannot carry, a path that would lead to another route.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec

from tropism.sdk.errors import TropismError
from tropism.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. With `stream`, an answer of events is left to be read as they come; with `file`, any answer."""

    method: str
    path: str
    query: dict[str, str]
    content: bytes | None
    headers: dict[str, str]
    stream: bool = False
    file: bool = False


def prepare(
    endpoint: Endpoint[Any, Any], takes: msgspec.Struct, *, stream: bool = False, body: bytes | None = None
) -> Request:
    """What to send, with raw bytes as the `body` where the row takes such. `None` says nothing: it stays at home."""
    given = {name: value for name, value in _fields(takes) if value is not None}
    path = endpoint.path.format_map({name: _segment(name, given.pop(name)) for name in endpoint.path_names})
    headers: dict[str, str] = {}
    if endpoint.replayable and endpoint.method != "GET":
        headers["Idempotency-Key"] = str(uuid4())
    is_file = endpoint.sends is not None
    if endpoint.receives:
        headers["Content-Type"] = endpoint.receives
    if not endpoint.has_body:
        query = {name: _word(value) for name, value in given.items()}
        return Request(endpoint.method, path, query, body, headers, stream, is_file)
    headers["Content-Type"] = "application/json"
    return Request(endpoint.method, path, {}, encode(given), headers, stream, is_file)


def encode(body: dict[str, Any]) -> bytes:
    """JSON; a number that JSON does not have is an error instead of a silent null."""
    try:
        content = _encode(body)
    except (TypeError, ValueError, OverflowError, UnicodeEncodeError, RecursionError) as error:
        raise TropismError(f"This cannot be sent as JSON: {error}.") from error
    if b"null" in content and (place := next(_not_finite(body, ""), None)):
        raise TropismError(f"{place.lstrip('.')} is NaN or infinite; only finite numbers can be sent.")
    return content


def _plain(value: object) -> object:
    """What msgspec does not encode by itself: numbers of numpy and others, paths, any mapping."""
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    # A bool of numpy is registered nowhere, but every scalar of numpy and torch knows its plain value.
    plain: object = getattr(value, "item", lambda: None)()
    if isinstance(plain, bool | int | float):
        if not math.isfinite(plain):
            raise ValueError("a number is NaN or infinite")
        return plain
    raise TypeError(f"a {type(value).__qualname__} is nothing that JSON knows")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode


def _fields(takes: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    for field, encoded in zip(takes.__struct_fields__, takes.__struct_encode_fields__, strict=True):
        yield encoded, getattr(takes, field)


def _not_finite(value: object, place: str) -> Iterator[str]:
    """Where a number is that JSON does not have."""
    if isinstance(value, msgspec.Struct):
        value = dict(_fields(value))
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(item, f"{place}.{key}")
    elif isinstance(value, list | tuple | set | frozenset):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{place}[{index}]")
    elif isinstance(value, Real) and not math.isfinite(value):
        yield place


def _segment(name: str, value: object) -> str:
    """One quoted part of the path; an empty one or dots would lead to another route."""
    text = str(value)
    if text.strip(".") == "":
        raise TropismError(f"{name} is {text!r}; give a key or an id.")
    return quote(text, safe="")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
