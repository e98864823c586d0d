"""Routes of the log. An interaction may come with feedback, and count in an A/B test: all in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from tropism.server.context import Context
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.ab_tests import assignment, counting
from tropism.server.domains.feedback import service as feedback
from tropism.server.domains.interactions import forgetting, service
from tropism.server.domains.interactions import watch as watching
from tropism.server.domains.interactions.export import ExportRequest
from tropism.server.domains.interactions.filters import conditions
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import TropismError
from tropism.server.processes.hard_work import beside
from tropism.server.web.http import Events, File, handles, sends, streams
from tropism.wire import interactions as wire
from tropism.wire.feedback import MetricFeedbackCreate

CHUNK = 256 * 1024


@handles(wire.CREATE)
async def create(context: Context, request: wire.InteractionCreate) -> wire.InteractionLogged:
    return await context.write(_create, request)


@handles(wire.CREATE_MANY)
async def create_many(context: Context, request: wire.InteractionsCreate) -> wire.InteractionsLogged:
    return await context.write(_create_many, request)


@handles(wire.QUERY)
async def query(context: Context, request: wire.InteractionQuery) -> wire.InteractionPage:
    return await context.read(service.query, request)


@streams(wire.WATCH)
async def watch(context: Context, request: wire.InteractionWatch) -> Events:
    begun = await context.read(watching.begin, request)
    return Events(watching.events(context, begun), lambda: None)


@sends(wire.EXPORT)
async def export(context: Context, request: wire.InteractionExport) -> File:
    use_case_id = await context.read(_checked, request)
    filters = request.filters or wire.InteractionFilter()
    database = context.services.settings.database_url
    chunks = _written(ExportRequest(database=database, use_case_id=use_case_id, filters=filters))
    # A reader who leaves early must not leave the process behind.
    return File(chunks, "interactions.jsonl", None, lambda: context.services.spawn(chunks.aclose()))


@handles(wire.GET)
async def get(context: Context, request: wire.InteractionReference) -> wire.Interaction:
    return await context.read(service.get, request)


@handles(wire.DELETE)
async def delete(context: Context, request: wire.InteractionsDelete) -> wire.Deletion:
    begun = await context.write(forgetting.begin, request)
    context.services.deletions.set()
    return begun


@handles(wire.GET_DELETION)
async def get_deletion(context: Context, request: wire.DeletionReference) -> wire.Deletion:
    return await context.read(forgetting.get, request)


def _checked(session: Reading, request: wire.InteractionExport) -> UUID:
    """The id of the use case; what is wrong with the filters is said before the answer begins."""
    id: UUID = use_cases.find(session, request.use_case).id
    conditions(session, id, request.filters or wire.InteractionFilter())
    return id


async def _written(request: ExportRequest) -> AsyncGenerator[bytes]:
    async with beside("tropism.server.domains.interactions.export", request) as written:
        while chunk := await written.read(CHUNK):
            yield chunk


def _create_many(transaction: Writing, request: wire.InteractionsCreate) -> wire.InteractionsLogged:
    logged = []
    for index, each in enumerate(request.interactions):
        try:
            logged.append(_create(transaction, each))
        except TropismError as error:
            raise error.within(f"interactions[{index}]") from None
    return wire.InteractionsLogged(interactions=logged)


def _create(transaction: Writing, request: wire.InteractionCreate) -> wire.InteractionLogged:
    used = use_cases.find(transaction, request.use_case)
    if request.feedbacks:
        use_cases.demand(transaction, used, "feedback:create", "logs feedback")
    test_id = None
    if request.ab_campaign is not None:
        test_id = assignment.join_offline(transaction, used.id, request.ab_campaign, request.model)
    record = service.recorded(transaction, request, used, test_id)
    assignment.count(transaction, [record])
    ids = []
    for index, given in enumerate(request.feedbacks or ()):
        try:
            ids.append(_log(transaction, record.id, request.user, given))
        except TropismError as error:
            raise error.within(f"feedbacks[{index}]") from None
    return wire.InteractionLogged(completion_id=record.id, session_id=record.session_id, feedback_ids=ids)


def _log(transaction: Writing, completion_id: UUID, user: UUID | None, given: wire.LoggedFeedback) -> UUID:
    metric = MetricFeedbackCreate(
        metric=given.feedback_key,
        value=given.value,
        completion_id=completion_id,
        user_id=user,
        details=given.details,
    )
    logged, change = feedback.log_metric(transaction, metric, param="feedback_key")
    counting.count_value(transaction, change)
    return logged.id
