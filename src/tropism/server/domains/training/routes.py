"""Routes of trainings."""

from __future__ import annotations

from functools import partial

from tropism.server.context import Context
from tropism.server.domains.training import service
from tropism.server.web.http import handles
from tropism.wire import training as wire
from tropism.wire.jobs import JobReference


@handles(wire.CREATE)
async def create(context: Context, request: wire.TrainingCreate) -> wire.TrainingJob:
    made = await context.write(partial(service.create, settings=context.services.settings), request)
    context.services.wake_workers()
    return made


@handles(wire.LIST)
async def list_jobs(context: Context, request: wire.TrainingFilter) -> wire.TrainingJobs:
    return await context.read(service.list_jobs, request)


@handles(wire.GET)
async def get(context: Context, request: JobReference) -> wire.TrainingJob:
    return await context.read(service.get, request)


@handles(wire.CANCEL)
async def cancel(context: Context, request: JobReference) -> wire.TrainingJob:
    return await context.write(service.cancel, request)
