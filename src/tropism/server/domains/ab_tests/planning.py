"""How much feedback a test needs, told before it starts."""

from __future__ import annotations

from tropism.server.errors import InvalidRequest
from tropism.stats.planner import Forecast, plan_mean, plan_preference, plan_rate
from tropism.wire import ab_tests as wire


def plan(request: wire.PlanRequest) -> wire.Forecast:
    """The forecast for the effect that is worth finding."""
    try:
        found = _forecast(request)
    except ValueError as error:
        raise InvalidRequest(str(error), param="effect") from None
    return wire.Forecast(
        median=found.median,
        for_80_percent=found.for_80_percent,
        fixed_horizon=found.fixed_horizon,
        warmup=found.warmup,
        max_feedbacks=found.max_feedbacks,
        summary=_summary(request, found),
    )


def _forecast(request: wire.PlanRequest) -> Forecast:
    if request.feedback_type == "preference":
        return plan_preference(0.5 + request.effect, ties=request.ties, variants=request.variants)
    if (request.baseline is None) == (request.sd is None):
        raise InvalidRequest("give the `baseline` rate of a bool key, or the `sd` of a scalar key", param="baseline")
    if request.baseline is not None:
        return plan_rate(request.baseline, request.effect, variants=request.variants)
    return plan_mean(request.sd or 0.0, request.effect, skewness=request.skewness, variants=request.variants)


def _summary(request: wire.PlanRequest, found: Forecast) -> str:
    what = "comparisons" if request.feedback_type == "preference" else "users with feedback"
    return (
        f"To find a difference of {request.effect:g}, half of the tests need {found.median:,} {what} per variant or "
        f"fewer, four in five {found.for_80_percent:,}; a larger difference is found sooner, and looking costs nothing."
    )
