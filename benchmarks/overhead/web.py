"""One JSON call over loopback, deaf to proxy settings."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

import msgspec

from benchmarks.overhead.failure import BenchmarkError

JSON = {"Content-Type": "application/json"}


def call(
    port: int,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] = JSON,
    body: object = None,
    timeout_seconds: float = 30,
) -> bytes:
    """The body of a 2xx answer; anything else is an error that shows what came instead."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request(method, path, None if body is None else msgspec.json.encode(body), dict(headers))
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"{method} {path} on port {port}: {error!r}") from error
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        text = answer[:500].decode(errors="replace")
        raise BenchmarkError(f"{method} {path} on port {port} answered {response.status}: {text}")
    return answer
