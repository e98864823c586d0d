"""The pooled connection of a client: the only file that knows the HTTP library.

Its import takes longer than all of the SDK's own, so it happens when the first client is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing

import httpx2

from tropism.sdk.errors import APIConnectionError, APITimeoutError, TropismError
from tropism.sdk.flow import Answer, Lost
from tropism.sdk.request import Request

CONNECT_SECONDS = 10.0
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
# uvicorn closes a connection after five idle seconds; we let go first, so that no request meets a closing door.
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=4.0)


class Connection:
    """Sends requests and waits."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout: float | None) -> None:
        self._base_url = base_url
        self._http = httpx2.Client(base_url=base_url, headers=headers, timeout=_timeout(timeout), limits=LIMITS)

    def send(self, request: Request) -> Answer | Lost:
        _check_open(self._http.is_closed)
        try:
            response = self._http.send(_built(self._http, request), stream=True)
            if _stays_open(request, response):
                return Answer(response.status_code, live=OpenBody(response, self._base_url))
            with closing(response):
                return _answer(response, response.read())
        except httpx2.HTTPError as error:
            return _lost(error, self._base_url)

    def close(self) -> None:
        self._http.close()


class AsyncConnection:
    """Sends requests and lets others work in the meantime."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout: float | None) -> None:
        self._base_url = base_url
        self._http = httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=_timeout(timeout), limits=LIMITS)

    async def send(self, request: Request) -> Answer | Lost:
        _check_open(self._http.is_closed)
        try:
            response = await self._http.send(_built(self._http, request), stream=True)
            if _stays_open(request, response):
                return Answer(response.status_code, live=AsyncOpenBody(response, self._base_url))
            try:
                return _answer(response, await response.aread())
            finally:
                await response.aclose()
        except httpx2.HTTPError as error:
            return _lost(error, self._base_url)

    async def close(self) -> None:
        await self._http.aclose()


class OpenBody:
    """The bytes of an open answer."""

    def __init__(self, response: httpx2.Response, base_url: str) -> None:
        self._response = response
        self._base_url = base_url

    def __iter__(self) -> Iterator[bytes]:
        return self.pieces()

    def pieces(self, size: int | None = None) -> Iterator[bytes]:
        """The bytes as they come, or so many at a time."""
        try:
            yield from self._response.iter_bytes(size)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _lost(error, self._base_url).error from error

    def close(self) -> None:
        self._response.close()


class AsyncOpenBody:
    """The bytes of an open answer, awaited."""

    def __init__(self, response: httpx2.Response, base_url: str) -> None:
        self._response = response
        self._base_url = base_url
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces()

    async def pieces(self, size: int | None = None) -> AsyncIterator[bytes]:
        """The bytes as they come, or so many at a time."""
        try:
            async for data in self._response.aiter_bytes(size):
                yield data
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _lost(error, self._base_url).error from error

    async def close(self) -> None:
        self.closed = True
        await self._response.aclose()


def _timeout(seconds: float | None) -> httpx2.Timeout:
    """A server that is there accepts quickly; only its answer may take long."""
    return httpx2.Timeout(seconds, connect=CONNECT_SECONDS if seconds is None else min(seconds, CONNECT_SECONDS))


def _built(http: httpx2.Client | httpx2.AsyncClient, request: Request) -> httpx2.Request:
    return http.build_request(
        request.method, request.path, params=request.query or None, content=request.content, headers=request.headers
    )


def _answer(response: httpx2.Response, body: bytes) -> Answer:
    return Answer(response.status_code, body, dict(response.headers))


def _stays_open(request: Request, response: httpx2.Response) -> bool:
    return response.is_success and (request.file or (request.stream and _has_events(response)))


def _has_events(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/event-stream")


def _check_open(is_closed: bool) -> None:
    if is_closed:
        raise TropismError("This client is closed; make a new one.")


def _lost(error: Exception, base_url: str) -> Lost:
    """What the loss of an answer means to the caller."""
    sent = not isinstance(error, NOT_SENT)
    reason = str(error) or type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        what = "answered in time" if sent else "could be reached in time"
        return Lost(APITimeoutError(f"Nothing at {base_url} {what}: {reason}."), sent)
    if not sent:
        return Lost(APIConnectionError(f"No connection to {base_url}: {reason}. Is the engine running there?"), sent)
    return Lost(APIConnectionError(f"The connection to {base_url} broke: {reason}."), sent)
