"""What goes wrong between us and a provider, in our errors and the provider's words, but never with the key."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import aiohttp

from tropism.egress.guard import refusal
from tropism.engines.openai_wire import error_message
from tropism.engines.protocol import EngineBrokeOff, EngineError, EngineRejected, EngineTimeout, EngineUnavailable

_FOR_NOW = (429, 503, 529)
"""Refusals of providers that were too busy to begin."""
_TELLING = 12
"""So many characters of a key, from its beginning, are more than what all keys of a provider share."""
_LONGEST_WAIT = 86_400.0


def without_key(error: EngineError, key: str | None) -> EngineError:
    """The error fit for the caller's eyes: some servers repeat the headers that they were sent."""
    # A placeholder such as "x" is no secret, and taking it out would garble the message.
    if not key or len(key) < 8:
        return error
    text = str(error).replace(key, "***")
    for length in range(len(key) - 1, _TELLING - 1, -1):  # a message that was cut may end within the key
        text = text.replace(key[:length], "***")
    without = type(error)(text)
    without.not_begun, without.retry_after = error.not_begun, error.retry_after
    return without


def refused(status: int, body: bytes, retry_after: str | None = None) -> EngineError:
    """What a status other than 200 means to the caller. The body may be empty: the status says enough."""
    error = _refused(status, body)
    error.not_begun = status in _FOR_NOW
    error.retry_after = _seconds(retry_after)
    return error


def _seconds(text: str | None) -> float | None:
    """What `Retry-After` says, in seconds or as a date; at most a day, whatever it says."""
    if text is None:
        return None
    try:
        wait = float(text) if text.strip().isdecimal() else _moment(text) - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, wait), _LONGEST_WAIT)


def _moment(text: str) -> float:
    return parsedate_to_datetime(text).timestamp()


def _refused(status: int, body: bytes) -> EngineError:
    said = error_message(body)
    message = f": {said}" if said else ""
    # Google answers so with 400.
    if status == 401 or b"API_KEY_INVALID" in body:
        # What it says besides often repeats a part of the key.
        return EngineError(f"the provider refused the API key (status {status})")
    match status:
        case 403:
            return EngineError(f"the provider refused the API key, or what was asked with it (status 403){message}")
        case _ if 300 <= status < 400:
            return EngineError(f"the endpoint redirects (status {status}), which is not followed: use the final URL")
        case 429:
            return EngineUnavailable(f"the provider allows no more requests for now{message}")
        case 408 | 504:
            return EngineTimeout(f"the provider timed out (status {status}){message}")
        case 503 | 529:
            return EngineUnavailable(f"the provider is not available (status {status}){message}")
        case _ if 400 <= status < 500:
            return EngineRejected(f"the provider refused the request (status {status}){message}")
        case _:
            return EngineError(f"the provider failed (status {status}){message}")


def network_error(error: aiohttp.ClientError) -> EngineError:
    """What a broken connection means to the caller. Where none was made, nothing was asked."""
    found = _network_error(error)
    found.not_begun = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return found


def _network_error(error: aiohttp.ClientError) -> EngineError:
    if (why := refusal(error)) is not None:
        return EngineError(f"the endpoint of the model is not allowed: {why}")
    match error:
        case aiohttp.ConnectionTimeoutError():
            return EngineTimeout("the connection to the provider took too long")
        case aiohttp.ServerTimeoutError():
            return EngineTimeout("the provider did not answer in time")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return EngineUnavailable("no secure connection to the provider: its certificate is not trusted")
        case aiohttp.ClientConnectorDNSError():
            return EngineUnavailable("the provider's host name is not known")
        case aiohttp.ClientConnectorError():
            return EngineUnavailable(f"the provider cannot be reached: {error.os_error.strerror or 'no connection'}")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return EngineBrokeOff("the provider closed the connection in the middle of the answer")
        case _:
            return EngineError(f"the provider's answer is not HTTP as we know it ({type(error).__name__})")
