"""A/B tests: part of the traffic goes to several models, feedback finds the best."""

from __future__ import annotations

import builtins
from collections.abc import Sequence

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import GuardrailDict, unchecked
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
        min_effect: float | None = None,
        max_feedbacks: int = 10_000,
        max_days: float = 90.0,
        guardrails: Sequence[GuardrailDict | wire.Guardrail] = (),
        shadow: float = 0.0,
        use_case: Reference | None = None,
    ) -> Flow[wire.ABTest]:
        """Start a test between at least two attached models, on a feedback key that is linked to the use case.

        The share `traffic_split` of the requests that name no model goes, at random, to one of the models. With
        `auto_deploy`, the winner becomes the use case's default when the test ends.

        `min_effect` is the smallest difference worth knowing, in the key's units (of win rates, for preferences): with
        it, a test also ends when no such difference can be there. `max_feedbacks` (per variant) and `max_days` end it
        in any case. `guardrails` must not get worse than with the default model; a breach ends the test and keeps the
        default. `shadow` is, for preference tests, the share of answers that another variant gives, too, in the
        background; `shadow_completion_id` of a choice names it.
        """
        takes = wire.ABTestCreate(
            use_case=self._use_case(use_case),
            ab_test_key=ab_test_key,
            feedback_key=unchecked(feedback_key),
            models=unchecked(models),
            traffic_split=traffic_split,
            feedback_type=feedback_type,
            auto_deploy=auto_deploy,
            min_effect=min_effect,
            max_feedbacks=max_feedbacks,
            max_days=max_days,
            guardrails=unchecked(guardrails),
            shadow=shadow,
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

    @operation
    def history(self, key: Reference) -> Flow[builtins.list[wire.Look]]:
        """Show how a test's figures came to be, oldest first: enough looks for a plot."""
        answer = yield from send(wire.HISTORY, wire.ABTestReference(ab_test=unchecked(key)))
        return answer.looks

    @operation
    def plan(
        self,
        effect: float,
        *,
        baseline: float | None = None,
        sd: float | None = None,
        skewness: float = 0.0,
        ties: float = 0.0,
        variants: int = 2,
        feedback_type: wire.FeedbackType = "metric",
    ) -> Flow[wire.Forecast]:
        """Tell how much feedback a test needs to find a difference of `effect`.

        For a bool key give its `baseline` rate, for a scalar key the standard deviation `sd` of its values (and their
        `skewness`). For preferences, `effect` is the win rate above one half, and `ties` the share of ties.
        """
        takes = wire.PlanRequest(
            effect=effect,
            baseline=baseline,
            sd=sd,
            skewness=skewness,
            ties=ties,
            variants=variants,
            feedback_type=feedback_type,
        )
        return (yield from send(wire.PLAN, takes))


class ABTests(_ABTests, SyncResource):
    """Find the better model from feedback."""


class AsyncABTests(_ABTests, AsyncResource):
    """Find the better model from feedback."""
