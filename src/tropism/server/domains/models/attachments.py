"""Models in use cases: attach, make the default, take offline for one use case, detach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, insert, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.compute_pools.service import DEFAULT_POOL
from tropism.server.domains.models import fallbacks, service
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import Conflict
from tropism.server.serving import placement
from tropism.server.tables.ab_tests import ab_test, ab_variant
from tropism.server.tables.models import attachment, model
from tropism.wire import models as wire
from tropism.wire.page import Nothing
from tropism.wire.reliability import Reliability


def of_use_cases(session: Reading, ids: Sequence[UUID]) -> dict[UUID, list[wire.ModelService]]:
    """The attached models of each use case, in the order of their attachment's model."""
    columns = [c.label(f"attached_{c.name}") for c in attachment.c]
    statement = service.selected().add_columns(*columns).join(attachment, attachment.c.model_id == model.c.id)
    rows = session.rows(statement.where(attachment.c.use_case_id.in_(ids)).order_by(model.c.id))
    keys, there = {str(row.id): row.key for row in rows}, placement.workers(session)
    found: dict[UUID, list[wire.ModelService]] = {}
    for row in rows:
        found.setdefault(row.attached_use_case_id, []).append(_described(row, keys, there))
    return found


def _described(row: Row[Any], keys: Mapping[str, str], there: Sequence[placement.PoolWorker]) -> wire.ModelService:
    """An attached model, as it fares where this use case has it; `keys` are those of all that are attached, by id."""
    described, placed = service.described(row), row.attached_placement
    if described.online != "OFFLINE":
        online, error = placement.fares(row, placed, there, (described.online, described.error))
        described = msgspec.structs.replace(described, online=online, error=error)
    return wire.ModelService(
        model=described,
        is_default=row.attached_is_default,
        desired_online=row.attached_desired_online,
        online=described.online if row.attached_desired_online else "OFFLINE",
        placement=msgspec.convert(placed, wire.Placement) if placed else None,
        reliability=msgspec.convert(row.attached_reliability, Reliability | None),
        fallbacks=[keys[id] for id in row.attached_fallbacks or ()],
    )


def attach(transaction: Writing, request: wire.AttachModel) -> wire.ModelService:
    """Attach a model and deploy it. One attached before is wanted online again, and keeps what is not given."""
    used, row = use_cases.find(transaction, request.use_case), service.find(transaction, request.model)
    key, before = {"use_case_id": used.id, "model_id": row.id}, placement.runs_in(transaction, row)
    if transaction.row(_attached(**key)) is None:
        transaction.run(
            insert(attachment).values(**key, is_default=False, desired_online=True, since=transaction.new_id())
        )
    transaction.run(_change(**key).values(desired_online=True))
    if request.placement is not None:
        transaction.run(_change(**key).values(placement=msgspec.to_builtins(request.placement)))
    if request.reliability is not None:
        transaction.run(_change(**key).values(reliability=msgspec.to_builtins(request.reliability)))
    if request.fallbacks is not None:
        fallbacks.name(transaction, used, row, request.fallbacks)
    if request.make_default:
        make_default(transaction, **key)
    service.deploy_row(transaction, row)
    placement.move(transaction, row.backbone_id or row.id, before)
    transaction.touch()
    return _one(transaction, **key)


def change(transaction: Writing, request: wire.ModelServiceUpdate) -> wire.ModelService:
    """Change what is given; `attached=True` attaches, `attached=False` detaches."""
    used, row = use_cases.find(transaction, request.use_case), service.find(transaction, request.model)
    key = {"use_case_id": used.id, "model_id": row.id}
    if request.attached:
        attach(transaction, wire.AttachModel(use_case=request.use_case, model=request.model))
    before, ran_in = _one(transaction, **key, names=(used.key, row.key)), placement.runs_in(transaction, row)
    if request.attached is False:
        _detach(transaction, **key, names=(used.key, row.key))
        return msgspec.structs.replace(before, is_default=False, desired_online=False, online="OFFLINE")
    values: dict[str, Any] = {}
    if request.desired_online is not None:
        values["desired_online"] = request.desired_online
    if request.placement is not None:
        values["placement"] = msgspec.to_builtins(request.placement)
    if request.reliability is not None:
        values["reliability"] = msgspec.to_builtins(request.reliability)
    if request.is_default is False:
        values["is_default"] = False
    if values:
        transaction.run(_change(**key).values(**values))
    if request.fallbacks is not None:
        fallbacks.name(transaction, used, row, request.fallbacks)
    if request.is_default:
        make_default(transaction, **key)
    placement.move(transaction, row.backbone_id or row.id, ran_in)
    transaction.touch()
    return _one(transaction, **key)


def detach(transaction: Writing, request: wire.ModelServiceReference) -> Nothing:
    """Detach a model. What it answered stays in the log; its engine goes on for others."""
    used, row = use_cases.find(transaction, request.use_case), service.find(transaction, request.model)
    key = {"use_case_id": used.id, "model_id": row.id}
    _one(transaction, **key, names=(used.key, row.key))
    _detach(transaction, **key, names=(used.key, row.key))
    return Nothing()


def make_default(transaction: Writing, use_case_id: UUID, model_id: UUID) -> None:
    """Make an attached model the one that answers where no other is named."""
    transaction.run(
        update(attachment)
        .where(attachment.c.use_case_id == use_case_id)
        .values(is_default=attachment.c.model_id == model_id)
    )
    transaction.touch()


def default_of(session: Reading, use_case_id: UUID) -> UUID | None:
    """The id of the default model."""
    statement = select(attachment.c.model_id).where(attachment.c.use_case_id == use_case_id, attachment.c.is_default)
    row = session.row(statement)
    return row.model_id if row else None


def attached_ids(session: Reading, use_case_id: UUID) -> set[UUID]:
    """The ids of all attached models."""
    return {row.model_id for row in session.rows(_attached(use_case_id=use_case_id))}


def _detach(transaction: Writing, use_case_id: UUID, model_id: UUID, names: tuple[str, str]) -> None:
    running = (
        select(ab_test.c.key)
        .join(ab_variant, ab_variant.c.ab_test_id == ab_test.c.id)
        .where(ab_test.c.use_case_id == use_case_id, ab_variant.c.model_id == model_id)
        .where(ab_test.c.status.in_(("warmup", "in_progress")))
    )
    if tested := transaction.value(running):
        raise Conflict(f"{names[1]!r} is in the running A/B test {tested!r}; cancel that first", param="model")
    if needed := fallbacks.named_by(transaction, use_case_id, model_id):
        raise Conflict(
            f"{names[1]!r} is a fallback of {needed!r}; models.update({needed!r}, fallbacks=[...]) names others",
            param="model",
        )
    row = service.find(transaction, str(model_id))
    before = placement.runs_in(transaction, row)
    where = (attachment.c.use_case_id == use_case_id, attachment.c.model_id == model_id)
    transaction.run(delete(attachment).where(*where))
    _take_down(transaction, row, before)
    placement.move(transaction, row.backbone_id or row.id, before)
    transaction.touch()


def _take_down(transaction: Writing, row: Row[Any], before: frozenset[str]) -> None:
    """What ran in other pools alone and is wanted in none any more ends: the engines may be too small for it."""
    engine_id = row.backbone_id or row.id
    if DEFAULT_POOL not in before and engine_id not in placement.pools(transaction):
        own = (model.c.id == engine_id) | (model.c.backbone_id == engine_id)
        transaction.run(update(model).where(own, model.c.deployed).values(deployed=False, online="OFFLINE", error=None))


def _one(session: Reading, use_case_id: UUID, model_id: UUID, names: tuple[str, str] = ("", "")) -> wire.ModelService:
    for found in of_use_cases(session, [use_case_id]).get(use_case_id, []):
        if found.model.id == model_id:
            return found
    raise fallbacks.not_attached(*names)


def _attached(**key: UUID) -> Any:
    return select(attachment).where(*(attachment.c[name] == value for name, value in key.items()))


def _change(**key: UUID) -> Any:
    return update(attachment).where(*(attachment.c[name] == value for name, value in key.items()))
