"""What is told of each request and each answer: to Prometheus, to the log, and to OpenTelemetry where that is set up.

No content is told: neither prompts nor answers, unless the operator asks for it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from tropism.engines.outgoing import HEADERS, NONE
from tropism.engines.protocol import Prompt
from tropism.server.clock import Clock
from tropism.server.observability.genai import Operation
from tropism.server.observability.metrics import Metrics

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being served; log records carry it."""
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_READ = {b"x-request-id", b"traceparent", b"tracestate"}
log = logging.getLogger("tropism.requests")


class Asked(Struct, kw_only=True, frozen=True):
    """What a model is asked, as far as observers may know."""

    operation: Operation
    use_case: str
    model: str
    provider: str
    prompt: Prompt | None = None
    session: UUID | None = None
    completion: UUID | None = None


@dataclass(slots=True, kw_only=True)
class Told:
    """How it ended. `error` is the type of the error, if it was one."""

    first_seconds: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    finish_reason: str | None = None
    error: str | None = None
    text: str = ""


class Span(Protocol):
    """An open span of a trace."""

    headers: Mapping[str, str]
    """What tells others that they are part of it."""

    def end(self, status: int) -> None: ...


class Generating(Protocol):
    """The open span of one attempt at an answer."""

    headers: Mapping[str, str]

    def end(self, told: Told) -> None: ...


class Tracing(Protocol):
    """Where traces and their metrics go, when that is set up."""

    def serving(self, method: str, route: str, id: str, headers: Mapping[str, str]) -> Span: ...

    def generating(self, asked: Asked, parent: Span | None) -> Generating: ...

    def close(self) -> None: ...


class Observer:
    """Who is told. `tracing` is None unless the operator has named a collector."""

    def __init__(self, metrics: Metrics, clock: Clock, tracing: Tracing | None) -> None:
        self.metrics, self.tracing, self._clock = metrics, tracing, clock

    def request(self, method: str, route: str, headers: Iterable[tuple[bytes, bytes]]) -> Seen:
        """A request has come in."""
        given = {name.decode(): value.decode("latin-1") for name, value in headers if name in _READ}
        id = given.pop("x-request-id", None)
        if id is None or not _ACCEPTABLE.fullmatch(id):
            id = self._clock.new_id().hex
        REQUEST_ID.set(id)
        span = self.tracing.serving(method, route, id, given) if self.tracing else None
        HEADERS.set(span.headers if span else given or NONE)
        return Seen(self, method, route, id, span)


@dataclass(slots=True)
class Seen:
    """A request that is being served."""

    observer: Observer
    method: str
    route: str
    id: str
    span: Span | None
    began: float = field(default_factory=time.perf_counter)

    def ended(self, status: int) -> None:
        """The last byte of its answer is out."""
        seconds = time.perf_counter() - self.began
        self.observer.metrics.request(self.method, self.route, status, seconds)
        if self.span is not None:
            self.span.end(status)
        if log.isEnabledFor(logging.INFO):
            fields = {"method": self.method, "route": self.route, "status": status, "ms": round(seconds * 1000, 3)}
            log.info("%s %s %s", self.method, self.route, status, extra={"fields": fields | {"request_id": self.id}})

    def generating(self, asked: Asked) -> Attempt:
        """A model is asked; engines send the headers of this attempt."""
        tracing = self.observer.tracing
        span = tracing.generating(asked, self.span) if tracing else None
        if span is not None:
            HEADERS.set(span.headers)
        return Attempt(self.observer.metrics, asked, span)


@dataclass(slots=True)
class Attempt:
    """One attempt at an answer, which ends once."""

    metrics: Metrics
    asked: Asked
    span: Generating | None
    began: float = field(default_factory=time.perf_counter)
    first: float | None = None
    is_over: bool = False

    def begun(self) -> None:
        """The first piece is there."""
        self.first = time.perf_counter() - self.began

    def ended(self, told: Told) -> None:
        """The model has answered, or failed, or nobody listens any more."""
        if self.is_over:
            return
        self.is_over = True
        told.first_seconds = self.first
        self.metrics.answered(self.asked, told, time.perf_counter() - self.began)
        if self.span is not None:
            self.span.end(told)
