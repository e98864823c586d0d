"""Routes of use cases. They join what the domains above know of one: its feedback keys and its models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from tropism.server.clock import time_of
from tropism.server.context import Context
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.chat import cache
from tropism.server.domains.feedback import keys
from tropism.server.domains.models import attachments
from tropism.server.domains.use_cases import service, sharing
from tropism.server.web.http import handles
from tropism.wire import use_cases as wire
from tropism.wire.page import Nothing


@handles(wire.CREATE)
async def create(context: Context, request: wire.UseCaseCreate) -> wire.UseCase:
    return await context.write(_create, request)


@handles(wire.LIST)
async def list_all(context: Context, request: Nothing) -> wire.UseCases:
    return await context.read(_list, request)


@handles(wire.GET)
async def get(context: Context, request: wire.UseCaseReference) -> wire.UseCase:
    return await context.read(_get, request)


@handles(wire.UPDATE)
async def update(context: Context, request: wire.UseCaseUpdate) -> wire.UseCase:
    return await context.write(_update, request)


@handles(wire.SHARE)
async def share(context: Context, request: wire.UseCaseShare) -> wire.UseCase:
    return await context.write(_share, request)


@handles(wire.UNSHARE)
async def unshare(context: Context, request: wire.UseCaseShareReference) -> wire.UseCase:
    return await context.write(_unshare, request)


def _update(transaction: Writing, request: wire.UseCaseUpdate) -> wire.UseCase:
    changed = service.update(transaction, request)
    if request.cache_seconds == 0:
        cache.clear(transaction, changed.id)
    return _described(transaction, [changed])[0]


def _share(transaction: Writing, request: wire.UseCaseShare) -> wire.UseCase:
    return _described(transaction, [sharing.share(transaction, request)])[0]


def _unshare(transaction: Writing, request: wire.UseCaseShareReference) -> wire.UseCase:
    return _described(transaction, [sharing.unshare(transaction, request)])[0]


def _create(transaction: Writing, request: wire.UseCaseCreate) -> wire.UseCase:
    return _described(transaction, [service.create(transaction, request)])[0]


def _list(session: Reading, _: Nothing) -> wire.UseCases:
    return wire.UseCases(use_cases=_described(session, service.visible(session)))


def _get(session: Reading, request: wire.UseCaseReference) -> wire.UseCase:
    return _described(session, [service.find(session, request.use_case)])[0]


def _described(session: Reading, rows: Sequence[Row[Any]]) -> list[wire.UseCase]:
    ids = [row.id for row in rows]
    linked, attached = keys.linked_to(session, ids), attachments.of_use_cases(session, ids)
    shared = sharing.of_use_cases(session, ids)
    return [
        wire.UseCase(
            id=row.id,
            key=row.key,
            name=row.name,
            description=row.description,
            team=row.team,
            created_at=time_of(row.id),
            feedback_keys=linked.get(row.id, []),
            model_services=attached.get(row.id, []),
            shared_with=shared.get(row.id, []),
            retention_days=row.retention_days,
            redact=row.redact or [],
            cache_seconds=row.cache_seconds,
            cache_answers=row.cache_answers or wire.CACHED_ANSWERS,
        )
        for row in rows
    ]
