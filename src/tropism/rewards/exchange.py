"""One call of a reward server: read its answer to a limit, and say what each failure means for who waits."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import msgspec

from tropism.egress.guard import refusal
from tropism.rewards.protocol import RewardError, RewardGone, RewardRefused

_AWAY = frozenset({408, 429, 502, 503, 504})
_LONGEST_EXPLANATION = 64 * 2**10


class Failing(RewardRefused):
    """The server answers, but fails. That may pass, so it is asked a few times."""


async def reading(call: AbstractAsyncContextManager[aiohttp.ClientResponse], most: int) -> bytes:
    """The body of an answer with status 200, of at most so many bytes. Raises `RewardGone` and `RewardRefused`."""
    try:
        async with call as response:
            if response.status != 200:
                raise await _refused(response)
            return await _whole(response, most)
    except TimeoutError:
        raise RewardGone("the reward server did not answer in time") from None
    except aiohttp.ClientError as error:
        raise _network_error(error) from error


async def _whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            raise RewardRefused(f"the reward server's answer is longer than {most} bytes")
    return b"".join(parts)


async def _refused(response: aiohttp.ClientResponse) -> RewardError:
    status = response.status
    if 300 <= status < 400:
        return RewardRefused(f"the reward server redirects (status {status}), which is not followed: use the final URL")
    said = await _explanation(response)
    if status in _AWAY:
        return RewardGone(f"the reward server is not available (status {status}){said}")
    if status >= 500:
        return Failing(f"the reward server failed (status {status}){said}")
    if status in (404, 405):
        return RewardRefused(f"the reward server has no {response.method} {response.url.path} (status {status}){said}")
    return RewardRefused(f"the reward server refused the request (status {status}){said}")


async def _explanation(response: aiohttp.ClientResponse) -> str:
    """What the server says, in our shape, in FastAPI's, or as text."""
    try:
        body = await _whole(response, _LONGEST_EXPLANATION)
    except (aiohttp.ClientError, TimeoutError, RewardError):
        return ""  # the status says enough
    text: Any = body.decode(errors="replace")
    try:
        found = msgspec.json.decode(body)
        text = found.get("message") or found.get("detail") or text
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, AttributeError):
        pass
    shown = " ".join(str(text).split())[:300]
    return f": {shown}" if shown else ""


def _network_error(error: aiohttp.ClientError) -> RewardError:
    if (reason := refusal(error)) is not None:
        return RewardRefused(reason)
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return RewardRefused("no secure connection to the reward server: its certificate is not trusted, or no TLS")
        case aiohttp.ClientConnectorDNSError():
            return RewardGone("the host name of the reward server is not known")
        case aiohttp.ClientConnectorError():
            return RewardGone(f"the reward server cannot be reached: {error.os_error.strerror or 'no connection'}")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return RewardGone("the reward server closed the connection before its answer was complete")
        case _:
            return RewardRefused(f"what answers is no HTTP server as we know them ({type(error).__name__})")
