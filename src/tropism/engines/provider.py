"""The connections to one provider, whatever wire it speaks: JSON goes out, bytes come back, errors are ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from tropism.egress.guard import checked_url, connector
from tropism.egress.policy import Egress, EgressRefused
from tropism.engines.delay import Delay
from tropism.engines.http_client import HttpClient, Response
from tropism.engines.in_flight import InFlight
from tropism.engines.outgoing import HEADERS
from tropism.engines.protocol import EngineError, EngineTimeout, EngineUnavailable, ModelSource
from tropism.engines.provider_errors import network_error, refused, without_key

_encode = msgspec.json.Encoder().encode

_LONGEST_ANSWER = 64 * 2**20
_LONGEST_ERROR = 64 * 2**10
_SECONDS_TO_DRAIN = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; there is no limit to the whole of a stream whose tokens flow."""

    connect: float = 10
    between_bytes: float = 120
    """Of a stream, the first from when the request was handed over."""
    whole_answer: float = 600
    """Without streaming nothing arrives until the answer is complete; what then comes byte by byte is late as well."""


PATIENT = Timeouts()


class Provider:
    """Connections are shared by all requests and kept open between them."""

    def __init__(self, source: ModelSource, default_url: str | None, timeouts: Timeouts) -> None:
        self._source = source
        self._endpoint = source.endpoint or default_url or ""
        self._streamed = aiohttp.ClientTimeout(connect=timeouts.connect, sock_read=timeouts.between_bytes)
        self._whole = aiohttp.ClientTimeout(connect=timeouts.connect)
        self._overdue = Delay(timeouts.whole_answer)
        self._in_flight = InFlight()
        self._client: HttpClient | None = None

    async def start(self, headers: Mapping[str, str]) -> None:
        """Check what can be checked without a request: a question to a provider costs money."""
        url = self.url("")
        if not self._source.external_model_id:
            raise EngineError("the model has no name at the provider (external_model_id)")
        always = {"Content-Type": "application/json", "User-Agent": "tropism"}
        self._client = HttpClient(self._connector(url), {**always, **headers})

    def _connector(self, url: URL) -> aiohttp.BaseConnector:
        if self._source.socket is not None:
            return aiohttp.UnixConnector(str(self._source.socket), limit=0)
        return connector(url, self._source.egress, limit=2000, ttl_dns_cache=60)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await self._in_flight.drained(_SECONDS_TO_DRAIN)
            await client.close()

    @property
    def key(self) -> str:
        key = (self._source.api_key or "").strip()
        # The client's own complaint about such a key would show it.
        if not key.isascii() or not key.isprintable():
            raise EngineError("the API key holds characters that no key has")
        return key

    def url(self, route: str, query: Mapping[str, str] | None = None) -> URL:
        """A route below the provider's base URL, with what that has as its query."""
        base = _http_url(self._endpoint, self._source.egress)
        return (base / route if route else base).with_query(base.query).update_query(query or {})

    @asynccontextmanager
    async def post(self, url: URL, body: Mapping[str, Any], *, stream: bool = False) -> AsyncGenerator[Response, None]:
        """Yield a response with status 200, and translate whatever goes wrong until the block ends."""
        if (client := self._client) is None:
            raise EngineUnavailable("the engine is not running")
        timeout = self._streamed if stream else self._whole
        with self._in_flight:
            try:
                with (
                    nullcontext() if stream else self._overdue.limit(),
                    await client.request("POST", url, _encode(body), timeout, HEADERS.get()) as response,
                ):
                    if response.status != 200:
                        wait = response.headers.get("retry-after")
                        raise refused(response.status, await _explanation(response), wait)
                    yield response
            except EngineError as error:
                raise without_key(error, self._source.api_key) from error.__cause__
            except aiohttp.ClientError as error:
                raise network_error(error) from error
            except TimeoutError as error:
                raise EngineTimeout("the provider did not answer in time") from error

    async def ask(self, url: URL, body: Mapping[str, Any]) -> bytes:
        """The whole body of an answer."""
        async with self.post(url, body) as response:
            return await whole(response)


async def whole(response: Response, limit: int = _LONGEST_ANSWER) -> bytes:
    """Read the body, but not without end."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise EngineError(f"the provider's answer is longer than {limit} bytes")
    return b"".join(parts)


async def read_rest(response: Response) -> None:
    """Take what follows the last event, usually nothing: only a connection that was read to its end is used again."""
    try:
        async with asyncio.timeout(0.1):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError):
        response.close()


async def _explanation(response: Response) -> bytes:
    try:
        return await whole(response, _LONGEST_ERROR)
    except (aiohttp.ClientError, TimeoutError, EngineError):
        # The status says enough when the explanation does not arrive.
        return b""


def _http_url(text: str, egress: Egress) -> URL:
    try:
        return checked_url(text, egress)
    except EgressRefused as error:
        raise EngineError(f"the endpoint of the model is not allowed: {error.strerror}") from None
    except ValueError:
        raise EngineError("the endpoint of the model is not an http(s) URL") from None
