"""Read a request into the struct that its endpoint takes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from tropism.server.errors import InvalidRequest, MalformedRequest, TooLarge
from tropism.wire.endpoint import Endpoint

In = TypeVar("In")
Out = TypeVar("Out")


def reader(endpoint: Endpoint[In, Any], limit: int) -> Callable[[Request], Awaitable[In]]:
    """How to read what the caller says; a JSON body has at most `limit` bytes. A raw body is left to the handler."""
    decode = msgspec.json.Decoder(endpoint.takes).decode
    names = endpoint.path_names

    async def body_alone(request: Request) -> In:
        return _checked(decode, await _body(request, limit))

    async def parts(request: Request) -> In:
        given: dict[str, Any] = {}
        if endpoint.has_body:
            given = _checked(_decode_object, await _body(request, limit) or b"{}")
        else:
            given = dict(request.query_params)
        if taken := [name for name in names if name in given]:
            raise InvalidRequest(f"{taken[0]!r} is named by the path, leave it out", param=taken[0])
        strict = endpoint.has_body
        return _checked(
            lambda found: msgspec.convert(found, endpoint.takes, strict=strict), given | request.path_params
        )

    return body_alone if endpoint.has_body and not names else parts


_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


def _checked(convert: Callable[[Any], Out], given: Any) -> Out:
    try:
        return convert(given)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error), param=_param(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise MalformedRequest("the body is nested too deeply") from None


_PLACE = re.compile(r" - at (?:`key` in )?`\$\.?(.*)`$")
_FIELD = re.compile(r"(?:required|unknown) field `(.*?)`")


def _param(message: str) -> str | None:
    """The field that msgspec speaks of: where it stands, and its name if it is missing or unknown."""
    found = (pattern.search(message) for pattern in (_PLACE, _FIELD))
    return ".".join(match[1] for match in found if match and match[1]) or None


async def _body(request: Request, limit: int) -> bytes:
    too_large = TooLarge(f"the body is longer than {limit} bytes; TROPISM_MAX_BODY_BYTES sets the limit")
    chunks, size = [], 0
    if int(request.headers.get("content-length", 0)) > limit:
        raise too_large
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)
