"""What a caller can be told. A subclass carries its `status` and `type`; the HTTP layer renders them.

TropismError
├── MalformedRequest   400   the bytes are no request
├── Unauthenticated    401   no key, or one that does not count
├── Forbidden          403   the key may not do this
├── NotFound           404   there is no such thing, or it is not the caller's to see
├── Conflict           409   it does not go with what is there
├── TooLarge           413   the body is longer than allowed
├── InvalidRequest     422   well-formed, but it cannot be meant
├── TooManyCalls       429   more than one may make in this time
├── EngineFailed             the model's engine could not answer; status and type are the engine's
├── NotLogged          500   the answer was made, but could not be stored: it is not given out
├── Overloaded         503   more than can be stored at the moment
├── StorageFailed      503   what was to be stored or read could not be
│   └── DatabaseAway   503   the database itself does not work at the moment
└── NotReady           503   the database does not answer: requests go elsewhere, or come again
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

from tropism.engines.protocol import EngineError


class TropismError(Exception):
    """Something went wrong on our side."""

    status = 500
    type = "internal"
    retry_after: int | None = None
    """After so many seconds it may go well."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param

    def within(self, place: str) -> Self:
        """The same error, seen from outside of `place`, a part of the request."""
        self.param = place if self.param is None else f"{place}.{self.param}"
        return self


class MalformedRequest(TropismError):
    status = 400
    type = "malformed_request"


class Unauthenticated(TropismError):
    status = 401
    type = "unauthenticated"


class Forbidden(TropismError):
    status = 403
    type = "forbidden"


class NotFound(TropismError):
    status = 404
    type = "not_found"


class Conflict(TropismError):
    status = 409
    type = "conflict"


class TooLarge(TropismError):
    status = 413
    type = "too_large"


class InvalidRequest(TropismError):
    status = 422
    type = "invalid_request"


class TooManyCalls(TropismError):
    status = 429
    type = "rate_limited"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EngineFailed(TropismError):
    """`tried` are the failures of the fallbacks that were asked instead."""

    def __init__(self, model: str, error: EngineError, tried: Sequence[EngineFailed] = ()) -> None:
        instead = f" (asked instead: {'; '.join(map(str, tried))})" if tried else ""
        super().__init__(f"model {model!r}: {error}{instead}")
        self.status = error.status
        self.type = error.type
        self.retry_after = math.ceil(error.retry_after) if error.retry_after else None


class Overloaded(TropismError):
    status = 503
    type = "overloaded"


class NotLogged(TropismError):
    status = 500
    type = "not_logged"


class StorageFailed(TropismError):
    status = 503
    type = "storage_failed"


class DatabaseAway(StorageFailed):
    """It went away, or its disk is full: what works with it waits, and goes on when it is there again."""


class NotReady(TropismError):
    status = 503
    type = "not_ready"
    retry_after = 1
