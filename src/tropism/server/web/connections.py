"""Connections that cannot pin the server: there are so many, heads are short, and requests and answers keep moving.

One patience holds for all of it, `client_seconds`: in that time a request's head must be here, its body must come on by
a kilobyte a second, and what was written must be taken. Who is slower is cut off. A generation for them is cancelled,
and logged as such.
"""

from __future__ import annotations

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tropism.engines.delay import Call, Delay
from tropism.server.settings import Settings
from tropism.server.web.one_write import OneWrite
from tropism.wire.problem import Problem

LONGEST_HEAD = 64 * 1024
MOST_HEADERS = 100
SLOWEST = 1000
"""Bytes a second by which a body must come on."""


class HeadTooLarge(Exception):
    """More than anybody means to send."""


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol, with bounds."""

    def __init__(self, settings: Settings, patience: Delay, **given: Any) -> None:
        super().__init__(**given)
        self._settings, self._patience = settings, patience
        self._coming: Call | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._in_head, self._received, self._too_large = True, 0, False
        self._takes_headers, self._behind_body, self._trailing = True, False, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if reason := self._too_many():
            self._refuse(503, "overloaded", reason)
        else:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_come()
        self._is_taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._coming is None and (self._is_idle() or not data.isspace()):
            self._expect_request()
        self._received += len(data)
        was_behind = self._behind_body
        super().data_received(data)
        if self._in_head and self._received > LONGEST_HEAD:
            self._refuse_head()
        self._trailing += len(data) if was_behind and self._behind_body else 0
        if self._trailing > LONGEST_HEAD:  # the parser keeps a trailer until it is whole
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._received = True, 0
        self._takes_headers, self._behind_body, self._trailing = True, False, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers would be headers that came past our bounds, and past a proxy that looks at heads."""
        if self._takes_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > LONGEST_HEAD or len(self.headers) > MOST_HEADERS:
            self._too_large = True
            raise HeadTooLarge  # which the parser takes for something that it could not read
        self._in_head = self._takes_headers = False
        super().on_headers_complete()
        if self.cycle is not None:
            self.cycle.transport = OneWrite(self.transport, self.loop)

    def on_chunk_header(self) -> None:
        self._behind_body = True  # unless there is something in the chunk

    def on_body(self, body: bytes) -> None:
        self._behind_body, self._trailing = False, 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._behind_body = False
        self._has_come()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._too_large:
            self._refuse_head()
        else:
            self._refuse(400, "malformed_request", "these bytes are no HTTP request")

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking = self._taking or self.loop.call_later(self._settings.client_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_taken()

    def _too_many(self) -> str | None:
        if len(self.connections) > self._settings.max_connections:
            return "too many connections are open; try again in a moment"
        address = self.client and self.client[0]
        same = sum(bool(each.client and each.client[0] == address) for each in self.connections)  # type: ignore[union-attr]
        if same > self._settings.max_connections_per_address:
            return "your address has too many connections open; close some, or try again in a moment"
        return None

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_request(self) -> None:
        self._in_head, self._received = True, 0
        self._look_again()

    def _look_again(self) -> None:
        self._coming = self._patience.call(self._look)

    def _look(self) -> None:
        """Whether the request has come on since the last look. While the server itself does not read, nothing can."""
        expected = SLOWEST * self._settings.client_seconds
        if self.flow.read_paused or (not self._in_head and self._received >= expected):
            self._received = 0
            self._look_again()
        elif self._in_head:
            self._refuse(408, "too_slow", f"no whole request came within {self._settings.client_seconds} seconds")
        else:
            self.transport.abort()  # a handler reads the body, and hears that its caller is gone

    def _has_come(self) -> None:
        if self._coming is not None:
            self._patience.cancel(self._coming)
            self._coming = None

    def _is_taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _refuse_head(self) -> None:
        self._refuse(431, "head_too_large", f"a head has at most {MOST_HEADERS} headers and {LONGEST_HEAD} bytes")

    def _refuse(self, status: int, type: str, message: str) -> None:
        """Say why, and close. Nothing of the request has reached the application."""
        self._has_come()
        if self.transport.is_closing():
            return
        body = msgspec.json.encode(Problem(type=type, message=message, param=None))
        again = "retry-after: 1\r\n" if status == 503 else ""
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n{again}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def guarded(settings: Settings) -> Any:
    """What uvicorn makes for each connection."""
    return partial(Guarded, settings, Delay(settings.client_seconds))
