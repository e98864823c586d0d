"""Bind endpoints to handlers. Only this module and docs_page.py know the web framework."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from tropism.server.context import Context, Services
from tropism.server.errors import Forbidden, InvalidRequest, MalformedRequest, TooLarge, TropismError, Unauthenticated
from tropism.server.principal import SYSTEM, Principal
from tropism.wire import openai
from tropism.wire.endpoint import Endpoint
from tropism.wire.problem import Problem

In = TypeVar("In")
Out = TypeVar("Out")

encode = msgspec.json.Encoder().encode
log = logging.getLogger("tropism")


@dataclass(frozen=True, slots=True)
class Events:
    """An answer as server-sent events, given as ready bytes. `on_end` is called in any case, also if nobody listens."""

    chunks: AsyncIterator[bytes]
    on_end: Callable[[], None]


class EventResponse(StreamingResponse):
    """Sends events, and tells when that is over, however it came about."""

    def __init__(self, events: Events, status: int) -> None:
        super().__init__(events.chunks, status, {"cache-control": "no-store"}, media_type="text/event-stream")
        self._on_end = events.on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


Handler = Callable[[Context, In], Awaitable[Out]]
Streaming = Callable[[Context, In], Awaitable[Out | Events]]
Bound = dict[Endpoint[Any, Any], Callable[[Context, Any], Coroutine[Any, Any, Any]]]

_handlers: Bound = {}


def handles(endpoint: Endpoint[In, Out]) -> Callable[[Handler[In, Out]], Handler[In, Out]]:
    """Bind a handler to its row. A handler of another type does not pass mypy."""

    def bind(handler: Handler[In, Out]) -> Handler[In, Out]:
        _handlers[endpoint] = handler  # type: ignore[assignment]
        return handler

    return bind


def streams(endpoint: Endpoint[In, Out]) -> Callable[[Streaming[In, Out]], Streaming[In, Out]]:
    """Bind a handler that may answer with events. It is cancelled when its caller goes away."""

    def bind(handler: Streaming[In, Out]) -> Streaming[In, Out]:
        _handlers[endpoint] = handler  # type: ignore[assignment]
        return handler

    return bind


def application(endpoints: Iterable[Endpoint[Any, Any]], services: Services, more: Iterable[BaseRoute]) -> Starlette:
    """Every endpoint must have a handler: a missing one is an error at start, not a 404 at run time."""
    rows = sorted(endpoints, key=lambda row: row.replayable)  # the hot routes are tried first
    if missing := [row.path for row in rows if row not in _handlers]:
        raise LookupError(f"no handler for {', '.join(missing)}")
    routes: list[BaseRoute] = [_route(row, services) for row in rows]
    app = Starlette(routes=[*routes, *more], exception_handlers={HTTPException: _unrouted})
    app.router.redirect_slashes = False  # such a redirect goes to wherever the Host header says
    return app


def _route(endpoint: Endpoint[Any, Any], services: Services) -> Route:
    read, handler = _reader(endpoint, services.settings.max_body_bytes), _handlers[endpoint]

    async def serve(request: Request) -> Response:
        try:
            context = _context(endpoint, services, request)
            work = handler(context, await read(request))
            answer = await (_while_connected(request, work) if endpoint.streams else work)
        except TropismError as error:
            return _problem(request, error)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            log.exception("%s %s failed", endpoint.method, endpoint.path)
            return _problem(request, TropismError("an error on our side; the server's log has the details"))
        if isinstance(answer, Events):
            return EventResponse(answer, endpoint.status)
        return Response(encode(answer), endpoint.status, media_type="application/json")

    return Route(endpoint.path, serve, methods=[endpoint.method], name=endpoint.name)


def _context(endpoint: Endpoint[Any, Any], services: Services, request: Request) -> Context:
    if endpoint.permission is None:
        return Context(services, Principal(SYSTEM.user_id))
    principal = _principal(services, request)
    # What may not be done in a team may not be done to what is the team's: for this call it is not there.
    grants = {team: held for team, held in principal.grants.items() if endpoint.permission in held}
    if not grants:
        raise Forbidden(f"this needs the permission {endpoint.permission!r}, which your key does not have")
    principal = Principal(principal.user_id, grants)
    key = request.headers.get("idempotency-key") if endpoint.method != "GET" and endpoint.replayable else None
    if not key:
        return Context(services, principal)
    who_and_what = f"{principal.user_id}\n{request.method}\n{request.scope['path']}\n{key}"
    return Context(services, principal, hashlib.sha256(who_and_what.encode()).digest())


def _principal(services: Services, request: Request) -> Principal:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("no api key; send it as 'Authorization: Bearer <key>'")
    # Looking up a keyed hash takes the same time whatever the key: nothing of it can be learnt by measuring.
    principal = services.database.snapshot.principals.get(services.secrets.digest(key.strip()))
    if principal is None:
        raise Unauthenticated("this api key is not known here")
    return principal


def _reader(endpoint: Endpoint[In, Any], limit: int) -> Callable[[Request], Awaitable[In]]:
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


async def _while_connected(request: Request, work: Coroutine[Any, Any, Out]) -> Out:
    """Cancel the work when its caller goes away: nobody waits for the answer, and it holds an engine."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        raise ClientDisconnect from None


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _problem(request: Request, error: TropismError) -> Response:
    headers = {"retry-after": "1"} if error.status == 503 else {}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(problem_body(request.scope["path"], error), error.status, headers, "application/json")


def problem_body(path: str, error: TropismError) -> bytes:
    """The error as our own routes say it, or as OpenAI's routes do."""
    if path.startswith("/v1/"):
        fields = openai.Error(message=str(error), type=error.type, param=error.param, code=error.type)
        return encode(openai.ErrorBody(error=fields))
    return encode(Problem(type=error.type, message=str(error), param=error.param))


async def _unrouted(request: Request, error: Exception) -> Response:
    """No such route, or not with this method."""
    assert isinstance(error, HTTPException)
    problem = TropismError(f"{request.method} {request.scope['path']}: {error.detail}; /docs lists every route")
    problem.status, problem.type = error.status_code, "not_found" if error.status_code == 404 else "method_not_allowed"
    answer = _problem(request, problem)
    if error.status_code == 405:
        answer.headers["allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """What the path can be asked; Starlette tells only of the first route that has it."""
    there = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in there if isinstance(route, Route) for method in route.methods or ()})
