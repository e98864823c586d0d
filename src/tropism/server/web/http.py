"""Bind endpoints to handlers. Only this module, requests.py, docs_page.py and ui.py know the web framework."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from tropism.engines.delay import Delay
from tropism.server.audit import Call
from tropism.server.context import Context, Services
from tropism.server.errors import Forbidden, NotFound, TropismError, Unauthenticated
from tropism.server.identity.principal import SYSTEM, Principal
from tropism.server.observability.observing import Seen
from tropism.server.web.browser import Visit, own_origin
from tropism.server.web.callers import allowed, caller
from tropism.server.web.hang_up import LATER, HungUp, while_connected
from tropism.server.web.requests import reader
from tropism.wire import openai
from tropism.wire.endpoint import Endpoint
from tropism.wire.problem import Problem

In = TypeVar("In")
Out = TypeVar("Out")

encode = msgspec.json.Encoder().encode
log = logging.getLogger("tropism")
WORTH_WAITING = 60
"""Seconds that OpenAI's clients wait at most because a header says so."""
NOTHING_SAID: Mapping[str, str] = MappingProxyType({})
Serve = Callable[[Request], Awaitable[Response]]
"""How one endpoint is served. It answers whatever happens: nobody around it knows what to say."""


@dataclass(frozen=True, slots=True)
class Events:
    """An answer as server-sent events, given as ready bytes. `on_end` is called in any case, also if nobody listens."""

    chunks: AsyncIterator[bytes]
    on_end: Callable[[], None]


@dataclass(frozen=True, slots=True)
class File:
    """An answer as a file to keep under `name`, of so many bytes if that is known. `on_end` is called in any case."""

    chunks: AsyncIterator[bytes]
    name: str
    size: int | None
    on_end: Callable[[], None]


@dataclass(frozen=True, slots=True)
class WithCookies(Generic[Out]):
    """An answer, and what the browser is to keep or drop: whole `Set-Cookie` headers. `location` sends it elsewhere."""

    answer: Out
    cookies: tuple[str, ...]
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON of ours."""

    body: bytes
    media_type: str


class OpenResponse(StreamingResponse):
    """Sends piece by piece, and tells when that is over, however it came about."""

    def __init__(
        self, answer: Events | File, endpoint: Endpoint[Any, Any], said: Mapping[str, str], seen: Seen
    ) -> None:
        headers = {"cache-control": "no-store", **said} | (_file_headers(answer) if isinstance(answer, File) else {})
        media_type = endpoint.sends if isinstance(answer, File) else "text/event-stream"
        super().__init__(answer.chunks, endpoint.status, headers, media_type)
        self._on_end, self._seen = answer.on_end, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()
            self._seen.ended(self.status_code)


def _file_headers(file: File) -> dict[str, str]:
    headers = {"content-disposition": f'attachment; filename="{file.name}"'}  # names are made of keys: no quotes
    return headers if file.size is None else headers | {"content-length": str(file.size)}


class Application(Starlette):
    """Goes to paths without names in them at once: Starlette tries one route after another, in six layers."""

    def __init__(self, served: Mapping[tuple[str, str], Serve], **given: Any) -> None:
        super().__init__(**given)
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serve = self._served.get((scope.get("method", ""), scope.get("path", "")))
        if serve is None:
            await super().__call__(scope, receive, send)
        else:
            response = await serve(Request(scope, receive, send))
            await response(scope, receive, send)


Handler = Callable[[Context, In], Awaitable[Out]]
Streaming = Callable[[Context, In], Awaitable[Out | Events]]
Receiving = Callable[[Context, In, AsyncIterator[bytes]], Awaitable[Out]]
Sending = Callable[[Context, In], Awaitable[File | Raw]]
Keeping = Callable[[Context, In], Awaitable[WithCookies[Out]]]
Answering = Callable[[Context, In, AsyncIterator[bytes]], Awaitable[Raw]]
Bound = dict[Endpoint[Any, Any], Callable[..., Coroutine[Any, Any, Any]]]

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


def receives(endpoint: Endpoint[In, Out]) -> Callable[[Receiving[In, Out]], Receiving[In, Out]]:
    """Bind a handler that reads the body itself, piece by piece as it comes."""

    def bind(handler: Receiving[In, Out]) -> Receiving[In, Out]:
        _handlers[endpoint] = handler  # type: ignore[assignment]
        return handler

    return bind


def answers(endpoint: Endpoint[In, Any]) -> Callable[[Answering[In]], Answering[In]]:
    """Bind a handler that reads the body itself and answers with bytes of its own kind."""

    def bind(handler: Answering[In]) -> Answering[In]:
        _handlers[endpoint] = handler  # type: ignore[assignment]
        return handler

    return bind


def sends(endpoint: Endpoint[In, Any]) -> Callable[[Sending[In]], Sending[In]]:
    """Bind a handler that answers with a file."""

    def bind(handler: Sending[In]) -> Sending[In]:
        _handlers[endpoint] = handler  # type: ignore[assignment]
        return handler

    return bind


def gives_cookies(endpoint: Endpoint[In, Out]) -> Callable[[Keeping[In, Out]], Keeping[In, Out]]:
    """Bind a handler that answers a browser with cookies."""

    def bind(handler: Keeping[In, Out]) -> Keeping[In, Out]:
        _handlers[endpoint] = handler  # type: ignore[assignment]
        return handler

    return bind


def application(endpoints: Iterable[Endpoint[Any, Any]], services: Services, more: Iterable[BaseRoute]) -> Starlette:
    """Every endpoint must have a handler: a missing one is an error at start, not a 404 at run time."""
    rows = list(endpoints)
    if missing := [row.path for row in rows if row not in _handlers]:
        raise LookupError(f"no handler for {', '.join(missing)}")
    later = Delay(LATER)
    serves = {row: _serve(row, services, later) for row in rows}
    routes = [Route(row.path, serve, methods=[row.method], name=row.name) for row, serve in serves.items()]
    fixed: dict[tuple[str, str], Serve] = {
        (row.method, row.path): serve for row, serve in serves.items() if not row.path_names
    }
    app = Application(fixed, routes=[*routes, *more], exception_handlers={HTTPException: _unrouted})
    app.state.stopping = services.stopping
    app.router.redirect_slashes = False  # such a redirect goes to wherever the Host header says
    return app


def _serve(endpoint: Endpoint[Any, Any], services: Services, later: Delay) -> Serve:
    read, handler = reader(endpoint, services.settings.max_body_bytes), _handlers[endpoint]

    async def serve(request: Request) -> Response:
        seen = services.observer.request(endpoint.method, endpoint.path, request.scope["headers"])
        response = await answered(request, seen)
        response.raw_headers.append((b"x-request-id", seen.id.encode()))
        if not isinstance(response, OpenResponse):
            seen.ended(response.status_code)
        return response

    async def admitted(request: Request, seen: Seen) -> Context:
        try:
            return _context(endpoint, services, request, seen)
        except (Unauthenticated, Forbidden):
            if not await services.database.catch_up():
                raise
            return _context(endpoint, services, request, seen)  # another engine knows the caller by now

    async def handled(request: Request, context: Context, given: Any) -> Any:
        try:
            return await begun(request, context, given)
        except NotFound:
            if endpoint.receives or not await services.database.catch_up():
                raise
            # Another engine has made what is missing here; nothing was written yet.
            return await begun(request, _context(endpoint, services, request, context.seen), given)

    async def begun(request: Request, context: Context, given: Any) -> Any:
        work = handler(context, given, request.stream()) if endpoint.receives else handler(context, given)
        return await (while_connected(request.receive, work, later) if endpoint.streams else work)

    async def answered(request: Request, seen: Seen) -> Response:
        said: dict[str, str] = {}
        try:
            context = await admitted(request, seen)
            said = context.headers
            return _response(await handled(request, context, await read(request)), endpoint, said, seen)
        except TropismError as error:
            return _problem(request, error, {**said, **_as_for_retries(endpoint, error)})
        except (ClientDisconnect, HungUp):
            return Response(status_code=499)
        except Exception:
            log.exception("%s %s failed", endpoint.method, endpoint.path)
            problem = TropismError("an error on our side; the server's log has the details")
            return _problem(request, problem, _as_for_retries(endpoint, problem))

    return serve


def _response(answer: Any, endpoint: Endpoint[Any, Any], said: Mapping[str, str], seen: Seen) -> Response:
    if isinstance(answer, Events | File):
        return OpenResponse(answer, endpoint, said, seen)
    if isinstance(answer, WithCookies):
        return _with_cookies(answer, endpoint)
    if isinstance(answer, Raw):
        return Response(answer.body, endpoint.status, said, media_type=answer.media_type)
    return Response(encode(answer), endpoint.status, said, media_type="application/json")


def _context(endpoint: Endpoint[Any, Any], services: Services, request: Request, seen: Seen) -> Context:
    visit, changes = _visit(services, request), endpoint.method != "GET"
    if endpoint.permission is None:
        if changes and "authorization" not in visit.headers:
            visit.prove()
        return Context(services, Principal(SYSTEM.user_id), visit, seen, call=_called(endpoint, request))
    principal = allowed(caller(services, visit, changes=changes), endpoint.permission)
    return Context(services, principal, visit, seen, _replay(endpoint, request, principal), _call(endpoint, request))


def _visit(services: Services, request: Request) -> Visit:
    origin = own_origin(services.settings.public_url, request.scope["scheme"], request.headers)
    return Visit(origin=origin, address=request.client.host if request.client else None, headers=request.headers)


def _replay(endpoint: Endpoint[Any, Any], request: Request, principal: Principal) -> bytes | None:
    """What an answer is kept under, so that the same call with the same idempotency key gets it again."""
    key = request.headers.get("idempotency-key") if endpoint.method != "GET" and endpoint.replayable else None
    if not key:
        return None
    # By api key or sign-in: another key of the same user may be allowed less than the first answer tells.
    who_and_what = f"{principal.key_id or principal.sign_in_id}\n{request.method}\n{request.scope['path']}\n{key}"
    return hashlib.sha256(who_and_what.encode()).digest()


def _call(endpoint: Endpoint[Any, Any], request: Request) -> Call | None:
    if endpoint.method == "GET" or not endpoint.audited:
        return None
    return _called(endpoint, request)


def _called(endpoint: Endpoint[Any, Any], request: Request) -> Call:
    return Call(endpoint.name, request.scope["path"], request.client.host if request.client else None)


def _with_cookies(answer: WithCookies[Any], endpoint: Endpoint[Any, Any]) -> Response:
    response = Response(encode(answer.answer), endpoint.status, {"cache-control": "no-store"}, "application/json")
    for cookie in answer.cookies:
        response.headers.append("set-cookie", cookie)
    if answer.location is not None:
        response.headers["location"] = answer.location
    return response


def _as_for_retries(endpoint: Endpoint[Any, Any], error: TropismError) -> Mapping[str, str]:
    """OpenAI's clients ask again after any 5xx, and where an answer may have been made, they would pay for it again."""
    may_have_begun = not endpoint.replayable and error.status >= 500 and error.status != 503
    return {"x-should-retry": "false"} if may_have_begun else NOTHING_SAID


def _problem(request: Request, error: TropismError, said: Mapping[str, str] = NOTHING_SAID) -> Response:
    wait = error.retry_after or (1 if error.status == 503 else None)
    headers = {**said, "retry-after": str(wait)} if wait else dict(said)
    if wait and wait > WORTH_WAITING:  # else OpenAI's clients ask again at once
        headers["x-should-retry"] = "false"
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
