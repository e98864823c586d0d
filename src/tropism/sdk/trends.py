"""Trends: how the answers of each model went over time."""

from __future__ import annotations

from datetime import datetime

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import trends as wire


class _Trends(Resource):
    @operation
    def query(
        self,
        metric: Reference = "latency_ms",
        *,
        by: wire.Bucket = "day",
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        use_case: Reference | None = None,
    ) -> Flow[wire.Trend]:
        """Show how a metric of each model went, by `hour` or `day` of UTC, with intervals of 95 %.

        `metric` is a feedback key, `latency_ms` or `first_token_ms`. Without `since`, it shows 14 days or 24 hours.
        """
        takes = wire.TrendQuery(
            use_case=self._use_case(use_case),
            metric=unchecked(metric),
            by=by,
            since=unchecked(since),
            until=unchecked(until),
        )
        return (yield from send(wire.QUERY, takes))


class Trends(_Trends, SyncResource):
    """How the answers of each model went over time."""


class AsyncTrends(_Trends, AsyncResource):
    """How the answers of each model went over time."""
