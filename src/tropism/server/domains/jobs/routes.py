"""Routes of jobs: looked up, watched, canceled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from tropism.server.context import Context
from tropism.server.domains.jobs import service
from tropism.server.errors import TropismError
from tropism.server.waiting import stops_within
from tropism.server.web.callers import again
from tropism.server.web.http import Events, handles, problem_body, streams
from tropism.wire import jobs as wire
from tropism.wire.sse import DONE, event

LOOK_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 15.0
"""Without an event for so long, a comment tells proxies and clients that the watch goes on."""
encode = msgspec.json.Encoder().encode


@handles(wire.LIST)
async def list_jobs(context: Context, request: wire.JobFilter) -> wire.Jobs:
    return await context.read(service.list_jobs, request)


@handles(wire.GET)
async def get(context: Context, request: wire.JobReference) -> wire.Job:
    return await context.read(service.get, request)


@streams(wire.WATCH)
async def watch(context: Context, request: wire.JobReference) -> Events:
    job = await context.read(service.get, request)
    return Events(_changes(context, job), lambda: None)


@handles(wire.LOGS)
async def logs(context: Context, request: wire.JobLogsFilter) -> wire.JobLogs:
    return await context.read(service.logs, request)


@handles(wire.CANCEL)
async def cancel(context: Context, request: wire.JobReference) -> wire.Job:
    return await context.write(service.cancel, request)


async def _changes(context: Context, job: wire.Job) -> AsyncIterator[bytes]:
    """The job as it is, and again after every change, until it has ended; or until the server stops, without an end."""
    yield event(encode(job))
    quiet = 0.0
    try:
        while job.status in service.UNFINISHED:
            if await stops_within(context.services.stopping, LOOK_SECONDS):
                return
            now = await again(context, wire.WATCH).read(service.get, wire.JobReference(job=job.id))
            quiet += LOOK_SECONDS
            if now != job:
                job, quiet = now, 0.0
                yield event(encode(job))
            elif quiet >= KEEP_ALIVE_SECONDS:
                quiet = 0.0
                yield b": it goes on\n\n"
    except TropismError as error:
        yield event(problem_body(wire.WATCH.path, error))
        return
    yield event(DONE)
