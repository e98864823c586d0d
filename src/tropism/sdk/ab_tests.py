"""A/B tests: part of the traffic goes to several models, feedback finds the best."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import ab_tests as wire


class _ABTests(Resource):
    @operation
    def create(
        self,
        ab_test_key: str,
        feedback_key: Reference,
        models: Sequence[Reference],
        traffic_split: float = 1.0,
        feedback_type: wire.FeedbackType = "metric",
        auto_deploy: bool = False,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.ABTest]:
        """Start a test between at least two attached models, on a feedback key that is linked to the use case.

        The share `traffic_split` of the requests that name no model goes, at random, to one of the models. With
        `auto_deploy`, the winner becomes the use case's default when the test ends.
        """
        takes = wire.ABTestCreate(
            use_case=self._use_case(use_case),
            ab_test_key=ab_test_key,
            feedback_key=unchecked(feedback_key),
            models=unchecked(models),
            traffic_split=traffic_split,
            feedback_type=feedback_type,
            auto_deploy=auto_deploy,
        )
        return (yield from send(wire.CREATE, takes))

    @operation
    def cancel(self, key: Reference) -> Flow[wire.ABTest]:
        """End a test without a winner. What was logged stays."""
        return (yield from send(wire.CANCEL, wire.ABTestReference(ab_test=unchecked(key))))

    @operation
    def list(
        self, active: bool | None = None, status: wire.Status | None = None, *, use_case: Reference | None = None
    ) -> Flow[builtins.list[wire.ABTest]]:
        """List the tests of a use case; `active` ones are warming up or in progress."""
        takes = wire.ABTestFilter(use_case=self._use_case(use_case), active=active, status=status)
        answer = yield from send(wire.LIST, takes)
        return answer.ab_tests

    @operation
    def get(self, key: Reference) -> Flow[wire.ABTest]:
        """Get a test with its report. Its figures stay valid however often you look."""
        return (yield from send(wire.GET, wire.ABTestReference(ab_test=unchecked(key))))


class ABTests(_ABTests, SyncResource):
    """Find the better model from feedback."""


class AsyncABTests(_ABTests, AsyncResource):
    """Find the better model from feedback."""
