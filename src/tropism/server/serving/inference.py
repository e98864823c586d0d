"""What a worker with the capability `inference` does: it runs the models of its pool, and engines ask it for answers.

Its endpoint is for engines of the same deployment. Whoever asks shows what only the master key gives; without that,
nothing is read of a request but its head. An answer is a stream of events (engines/remote.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from tropism.engines.protocol import EngineError, EngineUnavailable
from tropism.engines.remote import (
    ALIVE_SECONDS,
    PATH,
    Alive,
    Ask,
    Begun,
    Ended,
    Event,
    Made,
    Said,
    line,
    read_ask,
    told,
)
from tropism.server.context import Process
from tropism.server.identity.secrets import Secrets
from tropism.server.membership import Answers
from tropism.server.serving.doors import Doors, not_asked
from tropism.server.serving.fleet import Fleet, load
from tropism.server.serving.placement import Load
from tropism.server.serving.reports import WorkerReports
from tropism.server.settings import Settings
from tropism.server.snapshot import ServedModel
from tropism.server.web.listening import Server, config, url_of
from tropism.wire.reliability import Concurrency

MOST_WAITING = 100_000
ANY_ADDRESS = ("0.0.0.0", "::")
log = logging.getLogger("tropism")

Message = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[Message], Any]


@dataclass(frozen=True, slots=True)
class Answering:
    """What membership is told of a worker that answers for models."""

    answers: Answers
    load: Callable[[], Load]


def address_of(listening: socket.socket, settings: Settings) -> str:
    """Where engines find this worker: what the operator says, or by what it listens on."""
    if settings.worker_address is not None:
        return settings.worker_address
    host, port = listening.getsockname()[:2]
    return f"http://{platform.node()}:{port}" if host in ANY_ADDRESS else url_of(listening)


@contextlib.asynccontextmanager
async def answering(process: Process, name: str, pool: str, listening: socket.socket) -> AsyncIterator[Answering]:
    """Run the models that are placed in the pool, and answer engines, within this block."""
    reports, doors = WorkerReports(process.settings, name, pool), Doors(process.clock.monotonic)
    fleet = Fleet(process.secrets, process.settings, process.spawn, reports)
    # All requests come from engines, which may be one address.
    bounds = msgspec.structs.replace(
        process.settings, max_connections_per_address=process.settings.max_connections, metrics_port=None
    )
    server = Server(config(Endpoint(process, fleet, doors), bounds))
    await fleet.start(process.database)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        answers = Answers(address_of(listening, process.settings), reports.repeat)
        yield Answering(answers, partial(load, fleet, doors))
    finally:
        server.should_exit = True
        await serving
        await fleet.close()


class Endpoint:
    """The one route that there is, as an ASGI application."""

    def __init__(self, process: Process, fleet: Fleet, doors: Doors) -> None:
        self._secrets, self._database = process.secrets, process.database
        self._fleet, self._doors = fleet, doors

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if not _is_known(scope, self._secrets):
            await _refuse(send, 401)
            return
        if (scope["method"], scope["path"]) != ("POST", PATH):
            await _refuse(send, 404)
            return
        try:
            ask = read_ask(await _body(receive))
        except (msgspec.DecodeError, msgspec.ValidationError):
            await _refuse(send, 400)
            return
        await _stream(self._events(ask), receive, send)

    async def _events(self, ask: Ask) -> AsyncGenerator[Event, None]:
        """The answer, and how it ends."""
        try:
            async with contextlib.aclosing(self._answer(ask)) as events:
                async for event in events:
                    yield event
        except EngineError as error:
            yield told(error)
        except Exception:
            log.exception("a worker could not answer")
            yield told(EngineError("an error on a worker's side; its log has the details"))
        else:
            yield Ended()

    async def _answer(self, ask: Ask) -> AsyncGenerator[Event, None]:
        served = await self._find(ask)
        async with (
            self._fleet.engine(served) as engine,
            self._doors.through(self._bounded(served), ask.use_case, ask.wait_seconds),
        ):
            yield Begun()
            if ask.prompt is None:
                made = await engine.embed(ask.texts or [])
                yield Made([list(each) for each in made.vectors], made.prompt_tokens)
                return
            async with contextlib.aclosing(engine.generate(ask.prompt)) as pieces:
                async for piece in pieces:
                    yield Said(piece)

    async def _find(self, ask: Ask) -> ServedModel:
        """The model as the use case has it; the engine may know of it earlier than we do."""
        found = self._known(ask)
        if found is None and await self._database.catch_up():
            found = self._known(ask)
        if found is None:
            raise not_asked(EngineUnavailable("the worker does not know the model"))
        return found

    def _known(self, ask: Ask) -> ServedModel | None:
        used = self._database.snapshot.use_cases.get(str(ask.use_case))
        return used.models.get(str(ask.model)) if used else None

    def _bounded(self, served: ServedModel) -> ServedModel:
        """The model with a line before it: no more at once than it works on, or than somebody has said."""
        slots = self._fleet.slots(served)
        usual = Concurrency(at_once=slots, waiting=MOST_WAITING) if slots else None
        return replace(served, pools=(), concurrency=served.concurrency or usual)


def _is_known(scope: Mapping[str, Any], secrets: Secrets) -> bool:
    """Whether it is an engine of ours that asks."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return kind == "Bearer" and secrets.is_worker_token(token)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def _stream(events: AsyncGenerator[Event, None], receive: Receive, send: Send) -> None:
    """Send what there is until all is sent, or whoever asked is gone: then the model stops."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/x-ndjson")]})
    answer = asyncio.ensure_future(_send_all(events, send))
    gone, alive = asyncio.ensure_future(_disconnected(receive)), asyncio.ensure_future(_keep_alive(send))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (answer, gone, alive):
            task.cancel()
        await asyncio.gather(answer, gone, alive, return_exceptions=True)
    await send({"type": "http.response.body"})


async def _send_all(events: AsyncGenerator[Event, None], send: Send) -> None:
    async with contextlib.aclosing(events):
        async for event in events:
            await send({"type": "http.response.body", "body": line(event), "more_body": True})


async def _keep_alive(send: Send) -> None:
    """A line of its own never falls into another one: each is sent whole."""
    while True:
        await asyncio.sleep(ALIVE_SECONDS)
        await send({"type": "http.response.body", "body": line(Alive()), "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
