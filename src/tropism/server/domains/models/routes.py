"""Routes of models and their attachment."""

from __future__ import annotations

from functools import partial

from tropism.server.context import Context
from tropism.server.domains.models import attachments, compute_configs, imports, service, variants
from tropism.server.files.model_files import are_stored
from tropism.server.web.http import handles
from tropism.wire import models as wire
from tropism.wire.jobs import Job
from tropism.wire.page import Nothing
from tropism.wire.variants import VariantCreate, VariantRollback, VariantUpdate, Versions


@handles(wire.LIST)
async def list_all(context: Context, request: wire.ModelFilter) -> wire.Models:
    return await context.read(service.list_all, request)


@handles(wire.GET)
async def get(context: Context, request: wire.ModelReference) -> wire.Model:
    return await context.read(service.get, request)


@handles(wire.ADD_EXTERNAL)
async def add_external(context: Context, request: wire.ExternalModelCreate) -> wire.Model:
    services = context.services
    add = partial(service.add_external, secrets=services.secrets, settings=services.settings, listed=services.prices)
    return await context.write(add, request)


@handles(wire.ADD_LOCAL)
async def add_local(context: Context, request: wire.LocalModelCreate) -> Job:
    stored = are_stored(context.services.settings)
    made = await context.write(partial(imports.add_local, stored=stored), request)
    context.services.wake_workers()
    return made


@handles(wire.ADD_HF)
async def add_hf(context: Context, request: wire.HfModelCreate) -> Job:
    services = context.services
    add = partial(imports.add_hf, secrets=services.secrets, stored=are_stored(services.settings))
    made = await context.write(add, request)
    context.services.wake_workers()
    return made


@handles(wire.ADD_VARIANT)
async def add_variant(context: Context, request: VariantCreate) -> wire.Model:
    return await context.write(variants.add, request)


@handles(wire.UPDATE_VARIANT)
async def update_variant(context: Context, request: VariantUpdate) -> wire.Model:
    return await context.write(variants.change, request)


@handles(wire.LIST_VERSIONS)
async def list_versions(context: Context, request: wire.ModelReference) -> Versions:
    return await context.read(variants.list_versions, request)


@handles(wire.ROLL_BACK)
async def roll_back(context: Context, request: VariantRollback) -> wire.Model:
    return await context.write(variants.roll_back, request)


@handles(wire.UPDATE_COMPUTE_CONFIG)
async def update_compute_config(context: Context, request: wire.ComputeConfigUpdate) -> wire.Model:
    services = context.services
    change = partial(compute_configs.change, secrets=services.secrets, egress=services.settings.egress)
    return await context.write(change, request)


@handles(wire.UPDATE_PRICES)
async def update_prices(context: Context, request: wire.PricesUpdate) -> wire.Model:
    return await context.write(partial(service.update_prices, listed=context.services.prices), request)


@handles(wire.UPDATE_CONCURRENCY)
async def update_concurrency(context: Context, request: wire.ConcurrencyUpdate) -> wire.Model:
    return await context.write(service.update_concurrency, request)


@handles(wire.DEPLOY)
async def deploy(context: Context, request: wire.ModelReference) -> wire.Model:
    return await context.write(service.deploy, request)


@handles(wire.TERMINATE)
async def terminate(context: Context, request: wire.TerminateModel) -> wire.Model:
    return await context.write(service.terminate, request)


@handles(wire.ATTACH)
async def attach(context: Context, request: wire.AttachModel) -> wire.ModelService:
    return await context.write(attachments.attach, request)


@handles(wire.UPDATE)
async def update(context: Context, request: wire.ModelServiceUpdate) -> wire.ModelService:
    return await context.write(attachments.change, request)


@handles(wire.DETACH)
async def detach(context: Context, request: wire.ModelServiceReference) -> Nothing:
    return await context.write(attachments.detach, request)
