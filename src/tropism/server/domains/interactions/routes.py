"""Routes of the log. An interaction may come with feedback, and count in an A/B test: all in one transaction."""

from __future__ import annotations

from uuid import UUID

from tropism.server.context import Context
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import counting
from tropism.server.domains.feedback import service as feedback
from tropism.server.domains.interactions import service
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.http import handles
from tropism.wire import interactions as wire
from tropism.wire.feedback import MetricFeedbackCreate


@handles(wire.CREATE)
async def create(context: Context, request: wire.InteractionCreate) -> wire.InteractionLogged:
    return await context.write(_create, request)


@handles(wire.CREATE_MANY)
async def create_many(context: Context, request: wire.InteractionsCreate) -> wire.InteractionsLogged:
    return await context.write(_create_many, request)


@handles(wire.QUERY)
async def query(context: Context, request: wire.InteractionQuery) -> wire.InteractionPage:
    return await context.read(service.query, request)


@handles(wire.GET)
async def get(context: Context, request: wire.InteractionReference) -> wire.Interaction:
    return await context.read(service.get, request)


def _create_many(transaction: Writing, request: wire.InteractionsCreate) -> wire.InteractionsLogged:
    return wire.InteractionsLogged(interactions=[_create(transaction, each) for each in request.interactions])


def _create(transaction: Writing, request: wire.InteractionCreate) -> wire.InteractionLogged:
    used = use_cases.find(transaction, request.use_case)
    test_id = None
    if request.ab_campaign is not None:
        test_id = counting.join_offline(transaction, used.id, request.ab_campaign, request.model)
    record = service.recorded(transaction, request, used, test_id)
    ids = [_log(transaction, record.id, request, each) for each in request.feedbacks or ()]
    return wire.InteractionLogged(completion_id=record.id, session_id=record.session_id, feedback_ids=ids)


def _log(
    transaction: Writing, completion_id: UUID, request: wire.InteractionCreate, given: wire.LoggedFeedback
) -> UUID:
    logged, change = feedback.log_metric(
        transaction,
        MetricFeedbackCreate(
            metric=given.feedback_key,
            value=given.value,
            completion_id=completion_id,
            user_id=request.user,
            details=given.details,
        ),
    )
    counting.count_value(transaction, change)
    return logged.id
