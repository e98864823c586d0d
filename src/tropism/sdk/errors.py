"""What a call can raise.

TropismError
├── APIConnectionError             no connection, or it broke before the whole answer was here
├── APITimeoutError                no answer in time
└── APIStatusError                 the server refused the call
    ├── BadRequestError            400   the bytes are no request
    ├── AuthenticationError        401   no key, or one that does not count
    ├── PermissionDeniedError      403   the key may not do this
    ├── NotFoundError              404   there is no such thing
    ├── ConflictError              409   it does not go with what is there
    ├── UnprocessableEntityError   422   well-formed, but it cannot be meant
    ├── RateLimitError             429   too many calls
    └── InternalServerError        5xx   the server, or the engine behind it, failed

A plain `TropismError` is raised for what never reached the server (no use case, no key, NaN in a request) and for an
answer that this version of the SDK cannot read.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec

from tropism.wire.openai import ErrorBody
from tropism.wire.problem import Problem


class TropismError(Exception):
    """The base of every error that the SDK raises."""


class APIConnectionError(TropismError):
    """The server could not be reached, or the connection broke before the whole answer was here."""


class APITimeoutError(TropismError):
    """The answer did not come in time."""


class APIStatusError(TropismError):
    """The server refused the call. Switch on `type`, never on the message."""

    def __init__(self, message: str, *, status_code: int, type: str = "unknown", param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.type = type
        self.param = param

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel between processes (pytest-xdist, multiprocessing), and pickle passes positions only.
        fields: dict[str, Any] = {"status_code": self.status_code, "type": self.type, "param": self.param}
        return partial(self.__class__, self.message, **fields), ()


class BadRequestError(APIStatusError):
    """400: the bytes are no request."""


class AuthenticationError(APIStatusError):
    """401: no key, or one that does not count."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such thing; the message names the call that would make it."""


class ConflictError(APIStatusError):
    """409: it does not go with what is there."""


class UnprocessableEntityError(APIStatusError):
    """422: well-formed, but it cannot be meant; `param` names the field."""


class RateLimitError(APIStatusError):
    """429: a limit is reached. `retry_after` is in how many seconds to try again, if the server says it."""

    def __init__(self, message: str, *, retry_after: float | None = None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild, _ = super().__reduce__()
        return partial(rebuild, retry_after=self.retry_after), ()


class InternalServerError(APIStatusError):
    """5xx: the server, or the engine behind it, failed."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}

PHRASES = {status.value: status.phrase for status in HTTPStatus}

# An event in the middle of a stream has no status of its own; what is not listed here is the engine's failure.
STATUS_OF_TYPE = {
    "malformed_request": 400,
    "engine_rejected": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "invalid_request": 422,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "storage_failed": 503,
    "not_ready": 503,
    "engine_unavailable": 503,
    "engine_broke_off": 502,
    "engine_timeout": 504,
}


def status_error(status: int, body: bytes, retry_after: float | None = None) -> APIStatusError:
    """The error that an answer with this status stands for."""
    problem = read_problem(body) or Problem(type="unknown", message=_unreadable(status, body))
    kind = BY_STATUS.get(status, InternalServerError if status >= 500 else APIStatusError)
    if kind is RateLimitError:
        return RateLimitError(
            problem.message, status_code=status, type=problem.type, param=problem.param, retry_after=retry_after
        )
    return kind(problem.message, status_code=status, type=problem.type, param=problem.param)


def event_error(problem: Problem) -> APIStatusError:
    """The error that an event in the middle of a stream stands for."""
    status = STATUS_OF_TYPE.get(problem.type, 502)
    kind = BY_STATUS.get(status, InternalServerError)
    return kind(problem.message, status_code=status, type=problem.type, param=problem.param)


def read_problem(body: bytes) -> Problem | None:
    """The problem in our own shape or in OpenAI's, if it is one."""
    try:
        return msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        error = msgspec.json.decode(body, type=ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Problem(type=error.type, message=error.message, param=error.param)


def _unreadable(status: int, body: bytes) -> str:
    """Proxies and other servers answer in HTML; its beginning says enough."""
    text = " ".join(body[:2_000].decode(errors="replace").split())
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    what = f": {shown}" if shown else ""
    return f"{status} {PHRASES.get(status, '')}".strip() + f", and no word from Tropism (is the base URL right?){what}"
