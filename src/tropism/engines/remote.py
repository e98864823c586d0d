"""A model that a worker of another pool runs: asked over HTTP, answered in lines of JSON, each line an event.

The address is one that a worker wrote into the deployment's own database, and is often a private one. So this does not
go through the egress guard, which keeps users from having us connect inside: no user can say where a worker is. Whoever
is asked learns what engines show to workers; it is derived from the master key and opens nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from tropism.engines.http_client import HttpClient, Response
from tropism.engines.outgoing import HEADERS
from tropism.engines.protocol import (
    Embeddings,
    Engine,
    EngineBrokeOff,
    EngineError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
    Piece,
    Prompt,
)

PATH = "/ask"
ALIVE_SECONDS = 5.0
"""So often a worker that has nothing to say says that it lives."""
SILENCE_SECONDS = 4 * ALIVE_SECONDS
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 3.0
"""A connection is not used again after so long: the worker closes it after five, perhaps as a request comes."""


_TIMEOUT = aiohttp.ClientTimeout(connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)


class Ask(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A request for an answer or for vectors. The model is named as a use case has it, whose turn it is in line."""

    use_case: UUID
    model: UUID
    prompt: Prompt | None = None
    texts: list[str] | None = None
    wait_seconds: float | None = None
    """How long it may wait in line: then it is asked elsewhere."""


class Alive(Struct, frozen=True, tag="alive"):
    """The request waits, or the model thinks."""


class Begun(Struct, frozen=True, tag="begun"):
    """The model is asked now. What broke before that may be asked elsewhere."""


class Said(Struct, frozen=True, tag="piece"):
    """A piece of the answer."""

    piece: Piece


class Made(Struct, frozen=True, tag="vectors"):
    """All vectors."""

    vectors: list[list[float]]
    prompt_tokens: int | None


class Failed(Struct, kw_only=True, frozen=True, tag="error"):
    """An engine's error, as it is on the worker."""

    kind: str
    message: str
    not_begun: bool
    was_asked: bool
    retry_after: float | None


class Ended(Struct, frozen=True, tag="end"):
    """That was all."""


Event = Alive | Begun | Said | Made | Failed | Ended
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode
read_ask = msgspec.json.Decoder(Ask).decode
_ERRORS = (EngineError, EngineRejected, EngineUnavailable, EngineBrokeOff, EngineTimeout)
_KINDS = {kind.type: kind for kind in _ERRORS}


def line(event: Event) -> bytes:
    """The event as it is sent."""
    return _encode(event) + b"\n"


def told(error: EngineError) -> Failed:
    """The error as it is sent."""
    return Failed(
        kind=error.type,
        message=str(error),
        not_begun=error.not_begun,
        was_asked=error.was_asked,
        retry_after=error.retry_after,
    )


def _heard(failed: Failed) -> EngineError:
    error = _KINDS.get(failed.kind, EngineError)(failed.message)
    error.not_begun, error.was_asked, error.retry_after = failed.not_begun, failed.was_asked, failed.retry_after
    return error


class Connections:
    """The connections to all workers, kept open between requests."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._client: HttpClient | None = None

    async def post(self, url: URL, body: bytes) -> Response:
        """Raises aiohttp's errors."""
        if self._client is None:
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=10, keepalive_timeout=IDLE_SECONDS)
            always = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            self._client = HttpClient(connector, always)
        return await self._client.request("POST", url, body, _TIMEOUT, HEADERS.get())

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which model at which worker. The pool is what callers are told of the worker."""

    address: str
    pool: str
    use_case: UUID
    model: UUID
    wait_seconds: float | None = None


class RemoteEngine(Engine):
    """One model of one worker."""

    def __init__(self, connections: Connections, target: Target) -> None:
        self._connections, self._target = connections, target
        self._who = f"the worker in the pool {target.pool!r}"

    async def start(self) -> None:
        """The worker has started it."""

    async def close(self) -> None:
        """The worker closes it."""

    async def generate(self, prompt: Prompt) -> AsyncGenerator[Piece, None]:
        async with aclosing(self._events(self._ask(prompt=replace(prompt, adapter=None)))) as events:
            async for event in events:
                if isinstance(event, Said):
                    yield event.piece

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        made: Made | None = None
        async with aclosing(self._events(self._ask(texts=list(texts)))) as events:
            async for event in events:
                made = event if isinstance(event, Made) else made
        if made is None:
            raise EngineError(f"{self._who} made no vectors")
        return Embeddings(vectors=made.vectors, prompt_tokens=made.prompt_tokens)

    def _ask(self, *, prompt: Prompt | None = None, texts: list[str] | None = None) -> Ask:
        target = self._target
        return Ask(
            use_case=target.use_case, model=target.model, prompt=prompt, texts=texts, wait_seconds=target.wait_seconds
        )

    async def _events(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """What the worker says, until it has said all of it."""
        last: Event | None = None
        try:
            with await self._connections.post(URL(self._target.address + PATH), _encode(ask)) as response:
                if response.status != 200:
                    raise self._refused(response.status)
                lines = Lines()
                async for chunk in response.content.iter_any():
                    for event in lines.feed(chunk):
                        if isinstance(event, Failed):
                            raise _heard(event)
                        last = last if isinstance(event, Alive) else event
                        yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._lost(error, begun=last is not None) from error
        if not isinstance(last, Ended):
            raise self._lost(None, begun=last is not None)

    def _refused(self, status: int) -> EngineError:
        why = f"{self._who} answers with status {status}"
        if status == 401:
            why = f"{self._who} has another master key than this engine"
        return _not_begun(EngineUnavailable(why))

    def _lost(self, error: Exception | None, *, begun: bool) -> EngineError:
        """What a broken connection means. As long as the model was not asked, another worker can be."""
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return _not_begun(EngineUnavailable(f"{self._who} cannot be reached"))
        if not begun:
            return _not_begun(EngineUnavailable(f"{self._who} went away"))
        if isinstance(error, TimeoutError):
            return EngineTimeout(f"{self._who} went silent in the middle of the answer")
        return EngineBrokeOff(f"{self._who} went away in the middle of the answer")


class Lines:
    """Cuts bytes into events."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        first, *more = chunk.split(b"\n")
        self._begun.append(first)
        if not more:
            return
        whole = [b"".join(self._begun), *more[:-1]]
        self._begun = [more[-1]]
        for each in whole:
            try:
                yield _decode(each)
            except msgspec.DecodeError as error:
                raise EngineError("a worker of another release says what this engine does not know") from error


def _not_begun(error: EngineError) -> EngineError:
    error.not_begun = True
    return error
