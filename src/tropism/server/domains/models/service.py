"""The registry of models: what there is, and whether it should run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, insert, select, update

from tropism.egress.guard import checked_url
from tropism.egress.policy import Egress, EgressRefused
from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.models import owners
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.identity.secrets import Secrets
from tropism.server.prices import PriceList
from tropism.server.references import refers, refuse_id
from tropism.server.serving import placement
from tropism.server.settings import Settings
from tropism.server.tables.jobs import job
from tropism.server.tables.models import model
from tropism.server.tables.training import training
from tropism.wire import models as wire
from tropism.wire.reliability import Concurrency

PROVIDERS_WITHOUT_DEFAULT_URL = ("azure", "custom")
LEAST_CONTEXT = 128
"""The least that a compute config takes."""
_backbone = model.alias("backbone")
_is_training = (
    select(training.c.job_id)
    .join(job, job.c.id == training.c.job_id)
    .where(training.c.model_id == model.c.id, job.c.status.in_(("PENDING", "RUNNING")))
    .correlate(model)
    .exists()
    .label("is_training")
)


def selected() -> Select[Any]:
    """Models with what their backbone says of itself: a variant is online when its backbone is."""
    columns = (_backbone.c.key.label("backbone"), _backbone.c.online.label("engine_online"))
    more = (_backbone.c.error.label("engine_error"), _backbone.c.path.label("engine_path"))
    prices = (_backbone.c.prices.label("engine_prices"), _backbone.c.prices_source.label("engine_prices_source"))
    concurrency = _backbone.c.concurrency.label("engine_concurrency")
    joined = select(model, *columns, *more, *prices, concurrency).outerjoin(
        _backbone, model.c.backbone_id == _backbone.c.id
    )
    return joined.add_columns(_is_training)


def find(session: Reading, reference: str) -> Row[Any]:
    row = session.row(selected().where(refers(model, reference)))
    if row is None:
        raise NotFound(
            f"no model {reference!r}; models.list() shows what there is, models.add_external(...) adds one",
            param="model",
        )
    return row


def get(session: Reading, request: wire.ModelReference) -> wire.Model:
    return described(find(session, request.model))


def list_all(session: Reading, request: wire.ModelFilter) -> wire.Models:
    found = [described(row) for row in session.rows(selected().order_by(model.c.id))]
    wanted: dict[str, Any] = {
        "in_storage": request.in_storage,
        "available": request.available,
        "trainable": request.trainable,
    }
    wanted |= {"kind": request.kind, "online": request.online}
    if not request.view_all and request.available is None:
        wanted["available"] = True
    given = {name: value for name, value in wanted.items() if value is not None}
    return wire.Models(models=[m for m in found if all(getattr(m, name) == value for name, value in given.items())])


def described(row: Row[Any]) -> wire.Model:
    is_external = row.provider is not None
    in_storage = bool(row.path or row.engine_path)
    is_adapter = row.adapter_path is not None
    return wire.Model(
        id=row.id,
        key=row.key,
        name=row.name,
        online=_online(row),
        error=row.engine_error or row.error,
        kind=row.kind,
        is_external=is_external,
        provider_name=row.provider,
        is_adapter=is_adapter,
        is_training=row.is_training,
        in_storage=in_storage,
        available=is_external or in_storage or row.engine != "llama_cpp",
        trainable=in_storage and row.kind == "Generation" and (row.backbone_id is None or is_adapter),
        size=row.size,
        backbone=row.backbone,
        system_prompt=row.system_prompt,
        parameters=msgspec.convert(row.parameters, wire.Parameters) if row.parameters else None,
        version=row.version,
        compute_config=msgspec.convert(row.compute_config, wire.ComputeConfig),
        prices=msgspec.convert(row.engine_prices or row.prices, wire.Prices | None),
        concurrency=msgspec.convert(row.engine_concurrency or row.concurrency, Concurrency | None),
        prices_source=row.engine_prices_source or row.prices_source,
        training_job=row.training_job_id,
        origin=msgspec.convert(row.origin, wire.Origin | None),
        created_at=time_of(row.id),
    )


def _online(row: Row[Any]) -> wire.Online:
    """The state of the engine; an adapter can be left out of it, or be refused by it."""
    state: wire.Online = row.engine_online or row.online
    if row.adapter_path is None:
        return state
    if not row.deployed:
        return "OFFLINE"
    own: wire.Online = row.online
    return own if state == "ONLINE" else state


def add_external(
    transaction: Writing, request: wire.ExternalModelCreate, secrets: Secrets, settings: Settings, listed: PriceList
) -> wire.Model:
    """Register a model of a provider; its api key is encrypted for this row."""
    has_base_url = request.provider in settings.base_urls or request.provider not in PROVIDERS_WITHOUT_DEFAULT_URL
    if request.endpoint is None and not has_base_url:
        raise InvalidRequest(f"provider {request.provider!r} needs an `endpoint`, its base URL", param="endpoint")
    if request.endpoint is not None:
        refuse_endpoint(request.endpoint, settings.egress)
    id = transaction.new_id()
    return register(
        transaction,
        id=id,
        key=request.key or key_from(request.name),
        name=request.name,
        kind=request.kind,
        engine=request.provider,
        provider=request.provider,
        endpoint=request.endpoint.rstrip("/") if request.endpoint else None,
        external_model_id=request.external_model_id,
        secret=secrets.encrypt(request.api_key, f"model:{id}:secret"),
        extra_params=request.extra_params,
        **_prices(listed, request.provider, request.external_model_id, request.prices),
    )


def refuse_endpoint(endpoint: str, egress: Egress, param: str = "endpoint") -> None:
    """Raise unless users may have us connect there."""
    try:
        checked_url(endpoint, egress)
    except EgressRefused as error:
        raise InvalidRequest(f"`{param}` is not allowed: {error.strerror}", param=param) from None
    except ValueError as error:
        raise InvalidRequest(f"`{param}`: {error}", param=param) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training made: an adapter for a base, or, without a base, weights of its own."""

    key: str
    name: str
    path: Path
    job_id: UUID
    base_id: UUID | None
    config: dict[str, Any]
    """The parent's compute config: the child runs as its parent does."""
    size: int | None


def add_trained(transaction: Writing, made: Trained) -> wire.Model:
    """Register the child of a training. If its key was taken meanwhile, a number follows it."""
    return register(
        transaction,
        key=free_key(transaction, made.key),
        name=made.name,
        kind="Generation",
        engine="llama_cpp",
        backbone_id=made.base_id,
        training_job_id=made.job_id,
        team_id=owners.of_new(transaction, made.job_id),
        compute_config=made.config,
        size=made.size,
        **{"adapter_path" if made.base_id else "path": str(made.path)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where its files are, as its row says it (see model_files.py)."""

    path: str
    weights_path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A model that was brought here, ready to be served. Its id is that of the job which did it."""

    id: UUID
    key: str
    name: str
    kind: wire.Kind
    paths: Paths
    size: int
    origin: wire.Origin


def add_imported(transaction: Writing, made: Imported) -> wire.Model:
    """Register it, once. If its key was taken meanwhile, a number follows it."""
    if transaction.row(select(model.c.id).where(model.c.id == made.id)) is not None:
        return described(find(transaction, str(made.id)))
    return register(
        transaction,
        id=made.id,
        key=free_key(transaction, made.key),
        name=made.name,
        kind=made.kind,
        engine="llama_cpp",
        team_id=owners.of_new(transaction, made.id),
        path=made.paths.path,
        weights_path=made.paths.weights_path,
        compute_config=msgspec.to_builtins(wire.ComputeConfig(max_seq_len=longest_request(made.origin.context_length))),
        size=made.size,
        origin=msgspec.to_builtins(made.origin),
    )


def longest_request(context: int | None) -> int:
    """How many tokens a new model takes: what is usual here, or less if it was trained on less."""
    usual = wire.ComputeConfig().max_seq_len
    return max(LEAST_CONTEXT, min(usual, context or usual))


def free_key(session: Reading, key: str) -> str:
    """The key, or the first one with a number behind it that nobody has."""
    taken = {row.key for row in session.rows(select(model.c.key).where(model.c.key.startswith(key)))}
    keys = [key, *(f"{key}-{number}" for number in range(2, len(taken) + 3))]
    return next(each for each in keys if each not in taken)


def add_built_in(transaction: Writing, *, key: str, engine: str, **more: Any) -> None:
    """Register a model that comes with the engine, if it is not there yet."""
    if transaction.row(select(model.c.id).where(model.c.key == key)) is None:
        register(transaction, key=key, engine=engine, **more)


def register(transaction: Writing, *, key: str, **values: Any) -> wire.Model:
    """A new row, if its key is free."""
    refuse_taken(transaction, key)
    row = {
        "id": transaction.new_id(),
        "team_id": values.get("team_id") or owners.of_new(transaction),
        "deployed": False,
        "attempt": 0,
        "online": "OFFLINE",
        "compute_config": msgspec.to_builtins(wire.ComputeConfig()),
    }
    transaction.run(insert(model).values(**row | values, key=key))
    return described(find(transaction, key))


def refuse_taken(session: Reading, key: str) -> None:
    """Raise unless a new model can have this key."""
    refuse_id(key, "key")
    if is_taken(session, key):
        raise Conflict(f"there is a model {key!r} already; choose another key", param="key")


def is_taken(session: Reading, key: str) -> bool:
    """Whether there is a model of this key."""
    return session.row(select(model.c.id).where(model.c.key == key)) is not None


def key_from(name: str) -> str:
    """A key that reads like the name."""
    key = "-".join("".join(c if c.isascii() and c.isalnum() or c in "._" else " " for c in name).split()).lower()
    if not key or not key[0].isalnum():
        raise InvalidRequest(f"no key can be made from the name {name!r}; give one with `key`", param="key")
    return key[:128]


def update_prices(transaction: Writing, request: wire.PricesUpdate, listed: PriceList) -> wire.Model:
    """Say what a model costs from now on; what was logged keeps the cost that it had."""
    row = own_engine(transaction, request.model)
    values = _prices(listed, row.provider, row.external_model_id, request.prices)
    transaction.run(update(model).where(model.c.id == row.id).values(**values))
    transaction.touch()
    return described(find(transaction, request.model))


def update_concurrency(transaction: Writing, request: wire.ConcurrencyUpdate) -> wire.Model:
    """Say how many requests a model's engine may have at once."""
    row = own_engine(transaction, request.model)
    concurrency = msgspec.to_builtins(request.concurrency) if request.concurrency else None
    transaction.run(update(model).where(model.c.id == row.id).values(concurrency=concurrency))
    transaction.touch()
    return described(find(transaction, request.model))


def take_prices(transaction: Writing, listed: PriceList) -> None:
    """Bring the prices up to date that nobody has said: a new release, or the operator's file, may know better."""
    unsaid = model.c.prices.is_(None) | model.c.prices_source.is_not(None)
    for row in transaction.rows(
        select(model).where(model.c.provider.is_not(None), model.c.backbone_id.is_(None), unsaid)
    ):
        values = _prices(listed, row.provider, row.external_model_id, None)
        transaction.run(update(model).where(model.c.id == row.id).values(**values))


def _prices(listed: PriceList, provider: str | None, name: str | None, said: wire.Prices | None) -> dict[str, Any]:
    """The columns of a model's prices: what was said, or else what the list says."""
    found = listed.of(provider, name) if said is None else None
    prices = found.prices if found else said
    return {
        "prices": msgspec.to_builtins(prices) if prices else None,
        "prices_source": found.source if found else None,
    }


def deploy(transaction: Writing, request: wire.ModelReference) -> wire.Model:
    deploy_row(transaction, find(transaction, request.model))
    return described(find(transaction, request.model))


def deploy_row(transaction: Writing, row: Row[Any]) -> None:
    """Say that the model's engine should run. One that failed is tried again."""
    id = row.backbone_id or row.id
    idle = update(model).where(model.c.id == id, (~model.c.deployed) | (model.c.online == "ERROR"))
    is_begun = transaction.run(idle.values(deployed=True, online="PENDING", error=None, attempt=model.c.attempt + 1))
    if row.adapter_path is not None and (not row.deployed or row.online == "ERROR"):
        again = {"attempt": model.c.attempt + 1} if row.online == "ERROR" else {}
        values = {"deployed": True, "online": "PENDING", "error": None}
        is_begun += transaction.run(update(model).where(model.c.id == row.id).values(**values, **again))
    if is_begun:
        placement.begin_anew(transaction, id)
        transaction.touch()


def terminate(transaction: Writing, request: wire.TerminateModel) -> wire.Model:
    """Say that the model should not run. Without force, not while a use case wants it online."""
    row = find(transaction, request.model)
    owners.refuse_others(transaction, row)
    if row.adapter_path is None:
        row = engine_of(row)
    if not request.force and (users := owners.used_by(transaction, row.id)):
        raise Conflict(f"{row.key!r} serves {users}; detach it there, or terminate with force=True", param="model")
    stopped = update(model).where(model.c.id == row.id).values(deployed=False, online="OFFLINE", error=None)
    transaction.run(stopped)
    transaction.touch()
    return described(find(transaction, request.model))


def own_engine(session: Reading, reference: str) -> Row[Any]:
    """A model that the caller's team runs, with an engine of its own."""
    row = find(session, reference)
    owners.refuse_others(session, row)
    return engine_of(row)


def engine_of(row: Row[Any]) -> Row[Any]:
    """The row itself, unless another model's engine answers for it."""
    if row.backbone_id is not None:
        raise Conflict(f"{row.key!r} runs on the engine of {row.backbone!r}; change that model", param="model")
    return row
