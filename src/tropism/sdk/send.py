"""Send one request, again where that is safe, and read the answer: the flows that every operation is made of.

What counts as safe: a call that may be repeated (GET, PATCH, DELETE, and POST with an idempotency key) is sent again
when the connection failed, when time ran out, and on 429, 502, 503 and 504. Generation costs, so it is sent again only
when the server certainly did not begin: no connection was made, 429, or 503.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from tropism.sdk.errors import TropismError, status_error
from tropism.sdk.flow import Answer, Flow, Lost, Resource, Save, Sleep
from tropism.sdk.request import Request, prepare
from tropism.wire.endpoint import Endpoint

Out = TypeVar("Out")

RETRIES = 3
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0
LONGEST_RETRY_AFTER = 30.0
REPEATABLE = frozenset({429, 502, 503, 504})
NOT_BEGUN = frozenset({429, 503})


def send(endpoint: Endpoint[Any, Out], takes: msgspec.Struct, *, reads_only: bool = False) -> Flow[Out]:
    """The answer to one request. `reads_only` marks a POST that changes nothing and may be repeated as it is."""
    answer = yield from _try(prepare(endpoint, takes), endpoint.replayable or reads_only)
    return read(answer, endpoint)


def ask(resource: Resource, endpoint: Endpoint[Any, Any], takes: msgspec.Struct, stream: bool | None) -> Flow[Any]:
    """The answer of a model: whole, or as the resource's kind of stream."""
    if not stream or endpoint.streams is None:
        return (yield from send(endpoint, takes))
    answer = yield from _try(prepare(endpoint, takes, stream=True), endpoint.replayable)
    # A whole answer where a stream was asked for is not the API's: let reading it say so.
    return resource._pieces(answer, endpoint.streams) if answer.live else read(answer, endpoint)


def send_until(endpoint: Endpoint[Any, Out], takes: msgspec.Struct, is_done: Callable[[Out], bool]) -> Flow[Out]:
    """The answer that is done: the same request, with the same idempotency key, is sent until then.

    The server holds its answer back for a while, so that this asks seldom.
    """
    request = prepare(endpoint, takes)
    while True:
        found = read((yield from _try(request, repeatable=True)), endpoint)
        if is_done(found):
            return found


def save(endpoint: Endpoint[Any, Any], takes: msgspec.Struct, write: Callable[[bytes], object]) -> Flow[None]:
    """Hand the file that is the answer to `write`, piece by piece."""
    answer = yield from _try(prepare(endpoint, takes), repeatable=True)
    yield Save(answer.live, write)


def _try(request: Request, repeatable: bool) -> Flow[Answer]:
    tried = 0
    while True:
        reply: Answer | Lost = yield request
        delay = _delay(reply, repeatable, tried)
        if delay is None:
            return accepted(reply)
        yield Sleep(delay)
        tried += 1


def backoff(tried: int) -> float:
    """Seconds to wait after so many attempts."""
    return min(FIRST_DELAY * 2.0**tried, LONGEST_DELAY) * random.uniform(0.5, 1)


def _delay(reply: Answer | Lost, repeatable: bool, tried: int) -> float | None:
    """After how many seconds to try again, if at all."""
    if tried == RETRIES:
        return None
    pause = backoff(tried)
    if isinstance(reply, Lost):
        return pause if repeatable or not reply.sent else None
    if reply.status not in (REPEATABLE if repeatable else NOT_BEGUN):
        return None
    asked = _retry_after(reply.headers.get("retry-after", ""))
    if asked is None:
        return pause
    # A server that wants us gone for longer is taken at its word: the caller hears of it now.
    return max(asked, pause) if asked <= LONGEST_RETRY_AFTER else None


def _retry_after(header: str) -> float | None:
    """Seconds from now; the header may hold a number or a date."""
    try:
        return max(0.0, float(header) if header.strip().isdigit() else _seconds_until(header))
    except (ValueError, TypeError):
        return None


def _seconds_until(date: str) -> float:
    from email.utils import parsedate_to_datetime  # it imports sockets, for a header that hardly ever comes

    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()


def accepted(reply: Answer | Lost) -> Answer:
    """The answer of a call that succeeded; otherwise its error is raised."""
    if isinstance(reply, Lost):
        raise reply.error
    if not 200 <= reply.status < 300:
        raise status_error(reply.status, reply.body, _retry_after(reply.headers.get("retry-after", "")))
    return reply


def read(answer: Answer, endpoint: Endpoint[Any, Out]) -> Out:
    """What the answer says."""
    try:
        return msgspec.json.decode(answer.body, type=endpoint.returns)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TropismError(
            f"{endpoint.method} {endpoint.path} answered {answer.status} with something this SDK cannot read: {error}. "
            "Is the base URL right, and are SDK and server of one version?"
        ) from error
