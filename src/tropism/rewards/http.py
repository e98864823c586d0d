"""A reward server on a socket: the four routes of the protocol, and clear answers to whatever else comes.

Made with aiohttp, with which trainers ask: one small package instead of the web framework of the whole engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from tropism.rewards.metadata import schema_of
from tropism.rewards.scoring import BadRequest, ScoreFailed, Scoring
from tropism.rewards.server import RewardServer
from tropism.wire import rewards as wire
from tropism.wire.problem import Problem

LONGEST_BODY = 64 * 2**20
_encode = msgspec.json.Encoder().encode
T = TypeVar("T")
log = logging.getLogger("tropism.rewards")


def serve(server: RewardServer[Any], host: str, port: int) -> None:
    """Answer until SIGTERM or Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_a_signal(server, host, port))


async def _until_a_signal(server: RewardServer[Any], host: str, port: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        # Windows has no such handlers, and neither have threads: there, whoever ends the loop ends us.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, stop.set)
    async with running(server, host, port) as url:
        print(f"{server.info().name} answers at {url}; Ctrl-C ends it.", flush=True)  # noqa: T201
        await stop.wait()


@asynccontextmanager
async def running(server: RewardServer[Any], host: str, port: int) -> AsyncIterator[str]:
    """A server within this event loop, by its URL; port 0 takes a free one."""
    # A small compressed body could keep it busy for a minute: it is no JSON, and refused as such.
    runner = web.AppRunner(application(server), shutdown_timeout=2.0, auto_decompress=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def application(server: RewardServer[Any]) -> web.Application:
    """The routes of one reward server."""
    schema = _encode(schema_of(server.metadata_model))  # a model that has none is an error now, not at the first call
    app = web.Application(client_max_size=LONGEST_BODY, middlewares=[_clearly])
    scoring: list[Scoring] = []

    async def while_running(_: web.Application) -> AsyncIterator[None]:
        scoring.append(Scoring(server))
        yield
        scoring.pop().close()

    async def info(_: web.Request) -> web.Response:
        return _json(_encode(server.info()))

    async def metadata_schema(_: web.Request) -> web.Response:
        return _json(schema)

    async def score(request: web.Request) -> web.Response:
        asked = await _read(request, wire.ScoreRequest)
        [response] = await scoring[0].score([asked], lambda _: "the request")
        return _json(_encode(response))

    async def batch_score(request: web.Request) -> web.Response:
        asked = await _read(request, wire.BatchScoreRequest)
        responses = await scoring[0].score(asked.requests, lambda number: f"requests[{number}]")
        return _json(_encode(wire.BatchScoreResponse(responses=responses)))

    app.cleanup_ctx.append(while_running)
    app.router.add_get(wire.INFO, info)
    app.router.add_get(wire.METADATA_SCHEMA, metadata_schema)
    app.router.add_post(wire.SCORE, score)
    app.router.add_post(wire.BATCH_SCORE, batch_score)
    return app


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # a body of another shape is one, too
        raise BadRequest(f"the body is no {kind.__name__}: {error}") from None
    except RecursionError:
        raise BadRequest("the body is nested too deeply") from None


@web.middleware
async def _clearly(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever goes wrong becomes a status and a message."""
    try:
        return await handler(request)
    except BadRequest as error:
        return _problem(422, "invalid_request", str(error))
    except ScoreFailed as error:
        return _problem(500, "score_failed", str(error))
    except web.HTTPException as error:
        return _problem(error.status, "http", f"{request.method} {request.path}: {error.reason}")
    except Exception as error:
        log.exception("%s %s failed", request.method, request.path)
        return _problem(500, "internal", f"{type(error).__name__}: {error}")


def _problem(status: int, kind: str, message: str) -> web.Response:
    return _json(_encode(Problem(type=kind, message=message)), status)


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
