"""Variants: a system prompt and parameters on the engine of a backbone, in versions of which none is lost."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.models import owners, service, templates
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.tables.ab_tests import ab_test, ab_variant
from tropism.server.tables.models import model, variant_version
from tropism.wire import models as wire
from tropism.wire import variants as versions

Said = dict[str, Any]


def add(transaction: Writing, request: versions.VariantCreate) -> wire.Model:
    """Register a system prompt and parameters on top of a model; its engine is shared."""
    backbone = service.find(transaction, request.backbone)
    if backbone.backbone_id is not None:
        what = "an adapter" if backbone.adapter_path else "a variant"
        raise InvalidRequest(f"{backbone.key!r} is {what} itself; take {backbone.backbone!r}", param="backbone")
    if backbone.kind != "Generation":
        raise InvalidRequest(f"{backbone.key!r} is an embedding model; it takes no system prompt", param="backbone")
    if request.system_prompt is None and request.parameters is None:
        raise InvalidRequest("a variant needs a `system_prompt`, `parameters`, or both", param="system_prompt")
    templates.check(request.system_prompt or "")
    made = service.register(
        transaction,
        key=request.key,
        name=request.name or request.key,
        kind=backbone.kind,
        engine=backbone.engine,
        provider=backbone.provider,
        backbone_id=backbone.id,
        compute_config=backbone.compute_config,
        size=backbone.size,
    )
    return _keep(transaction, service.find(transaction, str(made.id)), request.system_prompt, _kept(request.parameters))


def change(transaction: Writing, request: versions.VariantUpdate) -> wire.Model:
    """A new version, with what is given; what is left out is as before."""
    row = _own(transaction, request.model)
    templates.check(request.system_prompt or "")
    text, parameters = row.system_prompt, row.parameters
    if request.system_prompt is not None:
        text = request.system_prompt or None
    if request.parameters is not None:
        parameters = _kept(request.parameters)
    return _next(transaction, row, text, parameters)


def roll_back(transaction: Writing, request: versions.VariantRollback) -> wire.Model:
    """What an earlier version was, as the latest one."""
    row = _own(transaction, request.model)
    mine = variant_version.c.model_id == row.id, variant_version.c.number == request.version
    earlier = transaction.row(select(variant_version).where(*mine))
    if earlier is None:
        raise NotFound(
            f"{row.key!r} has no version {request.version}; models.versions({row.key!r}) lists them", param="version"
        )
    return _next(transaction, row, earlier.system_prompt, earlier.parameters, earlier.number)


def list_versions(session: Reading, request: wire.ModelReference) -> versions.Versions:
    """All of them, the latest first."""
    row = _variant(session, request.model)
    statement = select(variant_version).where(variant_version.c.model_id == row.id)
    found = session.rows(statement.order_by(variant_version.c.number.desc()))
    return versions.Versions(versions=[_described(each) for each in found])


def _described(row: Row[Any]) -> versions.Version:
    return versions.Version(
        version=row.number,
        system_prompt=row.system_prompt,
        parameters=msgspec.convert(row.parameters, versions.Parameters | None),
        restored=row.restored,
        created_at=time_of(row.id),
    )


def _kept(parameters: versions.Parameters | None) -> dict[str, Any] | None:
    """As a version keeps them; none of them are as none at all."""
    return msgspec.to_builtins(parameters) or None if parameters else None


def _variant(session: Reading, reference: str) -> Row[Any]:
    row = service.find(session, reference)
    if row.version is None:
        raise InvalidRequest(
            f"{row.key!r} is no variant: it has no versions; models.add_variant makes one", param="model"
        )
    return row


def _own(session: Reading, reference: str) -> Row[Any]:
    """A variant that the caller's team may change."""
    row = _variant(session, reference)
    owners.refuse_others(session, row)
    return row


def _next(
    transaction: Writing,
    row: Row[Any],
    text: str | None,
    parameters: dict[str, Any] | None,
    restored: int | None = None,
) -> wire.Model:
    """The version after the present one, unless it would be the same, or a test compares the present one."""
    if (text, parameters) == (row.system_prompt, row.parameters):
        raise Conflict(f"that is what {row.key!r} is already, in version {row.version}", param="model")
    if tested := _tested(transaction, row):
        raise Conflict(
            f"{row.key!r} is in the running A/B test {tested!r}, whose figures would mix two versions; cancel that "
            "first, or test a new variant",
            param="model",
        )
    return _keep(transaction, row, text, parameters, restored)


def _tested(session: Reading, row: Row[Any]) -> str | None:
    running = (
        select(ab_test.c.key)
        .join(ab_variant, ab_variant.c.ab_test_id == ab_test.c.id)
        .where(ab_variant.c.model_id == row.id, ab_test.c.status.in_(("warmup", "in_progress")))
    )
    found: str | None = session.value(running)
    return found


def _keep(
    transaction: Writing,
    row: Row[Any],
    text: str | None,
    parameters: dict[str, Any] | None,
    restored: int | None = None,
) -> wire.Model:
    number = (row.version or 0) + 1
    said = {"system_prompt": text, "parameters": parameters}
    place = {"model_id": row.id, "number": number, "id": transaction.new_id(), "restored": restored}
    transaction.run(insert(variant_version).values(**place, **said))
    transaction.run(update(model).where(model.c.id == row.id).values(version=number, **said))
    transaction.touch()
    return service.described(service.find(transaction, str(row.id)))
