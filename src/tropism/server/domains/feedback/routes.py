"""Routes of feedback. What is logged is counted in its A/B test in the same transaction."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import counting
from tropism.server.domains.feedback import keys, service
from tropism.server.web.http import handles
from tropism.wire import feedback as wire
from tropism.wire.page import Nothing


@handles(wire.REGISTER_KEY)
async def register_key(context: Context, request: wire.FeedbackKeyCreate) -> wire.FeedbackKey:
    return await context.write(keys.register, request)


@handles(wire.LIST_KEYS)
async def list_keys(context: Context, request: Nothing) -> wire.FeedbackKeys:
    return await context.read(keys.list_all, request)


@handles(wire.GET_KEY)
async def get_key(context: Context, request: wire.FeedbackKeyReference) -> wire.FeedbackKey:
    return await context.read(keys.get, request)


@handles(wire.LINK)
async def link(context: Context, request: wire.FeedbackKeyLink) -> wire.FeedbackKey:
    return await context.write(keys.link, request)


@handles(wire.UNLINK)
async def unlink(context: Context, request: wire.FeedbackKeyLink) -> Nothing:
    return await context.write(keys.unlink, request)


@handles(wire.LOG_METRIC)
async def log_metric(context: Context, request: wire.MetricFeedbackCreate) -> wire.MetricFeedback:
    return await context.write(_log_metric, request)


@handles(wire.LOG_OUTCOME)
async def log_outcome(context: Context, request: wire.OutcomeCreate) -> wire.MetricFeedback:
    return await context.write(_log_outcome, request)


@handles(wire.LOG_PREFERENCE)
async def log_preference(context: Context, request: wire.ComparisonCreate) -> wire.Comparison:
    return await context.write(_log_preference, request)


def _log_metric(transaction: Writing, request: wire.MetricFeedbackCreate) -> wire.MetricFeedback:
    logged, change = service.log_metric(transaction, request)
    counting.count_value(transaction, change)
    return logged


def _log_outcome(transaction: Writing, request: wire.OutcomeCreate) -> wire.MetricFeedback:
    logged, change = service.log_outcome(transaction, request)
    counting.count_value(transaction, change)
    return logged


def _log_preference(transaction: Writing, request: wire.ComparisonCreate) -> wire.Comparison:
    logged, change = service.log_preference(transaction, request)
    counting.count_preference(transaction, change)
    return logged
