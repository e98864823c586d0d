"""Requests over aiohttp's connections, read by its parser, without its session, which costs more than both.

A session makes every request anew, looks for cookies, redirects and proxies that no engine wants, and sends a body in a
task of its own. What is left here is a head that is made once, one write, and the wait for the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Self

from aiohttp import (
    BaseConnector,
    ClientConnectionError,
    ClientRequest,
    ClientResponseError,
    ClientTimeout,
    ConnectionTimeoutError,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from tropism.engines.outgoing import NONE

_ROUTES = 1_000
"""So many heads are kept. An engine has few routes; workers of a pool come and go."""

_CONNECTIONS = 3
"""So many are tried of a server that speaks before it is asked."""


class Response:
    """An answer whose body may still arrive.

    Use it as a context manager: read to its end, its connection then serves others; else it is closed, which the
    server notices.
    """

    def __init__(self, message: RawResponseMessage, content: StreamReader, connection: Connection) -> None:
        self.status = message.code
        self.headers = message.headers
        self.content = content
        self._connection = connection

    @property
    def content_type(self) -> str:
        """What the body says that it is, in lower case and without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    async def read(self) -> bytes:
        """The rest of the body."""
        return await self.content.read()

    def close(self) -> None:
        """Hear nothing more of it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # It is used again only when nothing more is to come.
        self._connection.release()


class HttpClient:
    """Connections to one server, or to servers of one kind, with the headers of each request.

    It follows no redirects: they could lead inside, past whatever checked the URL, and would carry the key along.
    """

    def __init__(self, connector: BaseConnector, headers: Mapping[str, str]) -> None:
        self._connector = connector
        self._headers = {**headers, "Connection": "close"} if connector.force_close else headers
        self._request = lru_cache(_ROUTES)(self._made)

    async def close(self) -> None:
        await self._connector.close()

    async def request(
        self, method: str, url: URL, body: bytes, timeout: ClientTimeout, headers: Mapping[str, str] = NONE
    ) -> Response:
        """Send it, and return when the head of the answer is here. Raises what aiohttp's session raises.

        Of the timeout, `connect` and `sock_read` count, and the latter from when the request was handed over.
        """
        request, head = self._request(method, url)
        connection = await self._connection(request, timeout)
        try:
            message, content = await _asked(connection, head + _rest(headers, len(body)), body, timeout)
        except HttpProcessingError as error:
            connection.close()
            raise ClientResponseError(request.request_info, (), status=error.code, message=error.message) from error
        except BaseException:
            connection.close()
            raise
        return Response(message, content, connection)

    async def _connection(self, request: ClientRequest, timeout: ClientTimeout) -> Connection:
        """One on which nothing waits: what nobody has asked for would pass for the answer."""
        for _ in range(_CONNECTIONS):
            try:
                connection = await self._connector.connect(request, [], timeout)
            except TimeoutError as error:
                raise ConnectionTimeoutError(f"no connection to {request.url.host} in time") from error
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        raise ClientConnectionError(f"{request.url.host} says what nobody asks")

    def _made(self, method: str, url: URL) -> tuple[ClientRequest, bytes]:
        """What aiohttp knows a request by, and how it begins."""
        request = ClientRequest("GET", url, headers=self._headers)  # with POST, it would say that there is no body
        return request, f"{method} {request.url.raw_path_qs} HTTP/1.1\r\n".encode() + _lines(request.headers)


async def _asked(
    connection: Connection, head: bytes, body: bytes, timeout: ClientTimeout
) -> tuple[RawResponseMessage, StreamReader]:
    protocol: ResponseHandler | None = connection.protocol
    assert protocol is not None
    assert protocol.transport is not None
    protocol.set_response_params(read_until_eof=True, read_timeout=timeout.sock_read)
    protocol.transport.writelines((head, body))
    protocol.start_timeout()
    while True:
        message, content = await protocol.read()
        if message.code >= 200 or message.code == 101:  # others only announce it
            return message, content


def _rest(headers: Mapping[str, str], length: int) -> bytes:
    return b"%sContent-Length: %d\r\n\r\n" % (_lines(headers) if headers else b"", length)


def _lines(headers: Mapping[str, str]) -> bytes:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header with a line break in it would be two")
    return "".join(f"{line}\r\n" for line in lines).encode()
