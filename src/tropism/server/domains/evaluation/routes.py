"""Routes of evaluations. What an evaluation will take is read first, so that nothing is read while one is stored."""

from __future__ import annotations

from functools import partial

from tropism.server.context import Context
from tropism.server.domains.evaluation import samples, service
from tropism.server.web.http import handles
from tropism.wire import evaluation as wire
from tropism.wire.jobs import JobReference


@handles(wire.CREATE)
async def create(context: Context, request: wire.EvaluationCreate) -> wire.EvaluationJob:
    expected = await estimate(context, request)
    made = await context.write(partial(service.create, expected=expected), request)
    context.services.wake_workers()
    return made


@handles(wire.ESTIMATE)
async def estimate(context: Context, request: wire.EvaluationCreate) -> wire.EvaluationEstimate:
    return await context.read(partial(service.estimate, settings=context.services.settings), request)


@handles(wire.LIST)
async def list_jobs(context: Context, request: wire.EvaluationFilter) -> wire.EvaluationJobs:
    return await context.read(service.list_jobs, request)


@handles(wire.GET)
async def get(context: Context, request: JobReference) -> wire.EvaluationJob:
    return await context.read(service.get, request)


@handles(wire.SAMPLES)
async def read_samples(context: Context, request: wire.SampleQuery) -> wire.EvaluatedSamples:
    return await context.read(samples.page, request)


@handles(wire.CANCEL)
async def cancel(context: Context, request: JobReference) -> wire.EvaluationJob:
    return await context.write(service.cancel, request)
