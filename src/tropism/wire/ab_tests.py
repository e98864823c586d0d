"""A/B tests: part of the traffic goes to several models, feedback finds the best."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.values import Key, Reference, Time

FeedbackType = Literal["metric", "preference"]
Status = Literal["warmup", "in_progress", "done", "cancelled"]
Outcome = Literal[
    "winner", "better_than_default", "equivalent", "futile", "max_feedbacks", "expired", "guardrail", "cancelled"
]


class Guardrail(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What must not get worse than with the default model, by more than `tolerance` (in its own units).

    `metric` is a linked feedback key, or `latency_ms`, or `cost_usd` (of an answer, by the prices of its model), or
    `error_rate` (the share of requests that failed, whether or not a fallback answered them).
    """

    metric: Reference
    tolerance: Annotated[float, Meta(ge=0)] = 0.0


class ABTestCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new test between models that are attached to the use case, on a feedback key that is linked to it.

    With `min_effect`, the smallest difference worth knowing (of win rates, for preferences), the test also ends when no
    such difference can be there. `max_feedbacks` (per variant) and `max_days` end it in any case. A breached guardrail
    ends it with the default kept. `shadow`, for preference tests, is the share of answers for which another variant is
    asked the same in the background, so that there is a pair to compare.
    """

    use_case: Reference
    ab_test_key: Key
    feedback_key: Reference
    models: Annotated[list[Reference], Meta(min_length=2, max_length=10)]
    traffic_split: Annotated[float, Meta(ge=0, le=1, description="The share of requests that enter the test.")] = 1.0
    feedback_type: FeedbackType = "metric"
    auto_deploy: bool = False
    min_effect: Annotated[float, Meta(gt=0)] | None = None
    max_feedbacks: Annotated[int, Meta(ge=1, le=100_000_000)] = 10_000
    max_days: Annotated[float, Meta(gt=0, le=3_650)] = 90.0
    guardrails: Annotated[list[Guardrail], Meta(max_length=8)] = []
    shadow: Annotated[float, Meta(ge=0, le=1)] = 0.0


class Interval(Struct, kw_only=True, frozen=True):
    """An estimate with its 95 % interval, which holds however often it is looked at."""

    start: float
    middle: float
    end: float


class VariantComparison(Struct, kw_only=True, frozen=True):
    """One variant against another.

    `difference` is this variant's mean less the other's, in the feedback's own units; for preferences it is this
    variant's win rate, ties as one half, and .5 is no difference. The counts are of preferences, seen from this
    variant.
    """

    variant: str
    p_value: float | None
    difference: Interval | None
    lift: float | None
    wins: int
    losses: int
    ties_good: int
    ties_bad: int
    feedbacks: int


class VariantReport(Struct, kw_only=True, frozen=True):
    """What is known of one variant.

    `units` gave feedback: users, sessions, or completions where nobody is named. `assigned` counts the completions that
    were routed to it, `assigned_units` the units, `errors` the requests that it could not answer; `fallbacks` of these
    were answered by another model, and count among the assigned.
    """

    variant: str
    interval: Interval | None
    feedbacks: int
    units: int
    assigned: int
    assigned_units: int
    errors: int
    comparisons: list[VariantComparison]
    fallbacks: int = 0  # reports that were kept before there were fallbacks do not have it


class GuardrailReport(Struct, kw_only=True, frozen=True):
    """How a variant stands to the default on a guardrail.

    `worsening` is by how much it is worse (below zero: better), `at_least` the lower end of what that may truly be. The
    guardrail is breached when `at_least` passes the tolerance. None until there is enough to say.
    """

    metric: str
    variant: str
    tolerance: float
    worsening: float | None
    at_least: float | None
    breached: bool


class SampleRatio(Struct, kw_only=True, frozen=True):
    """Whether the variants got the share of units that they should. With an `alarm`, something sorts them: the figures
    compare unlike groups, and auto_deploy is held back."""

    p_value: float
    alarm: bool


class ShadowReport(Struct, kw_only=True, frozen=True):
    """What the answers in the background cost: tokens, and US dollars where prices are known."""

    completions: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None = None


class ABReport(Struct, kw_only=True, frozen=True):
    """The figures of a test; they stay valid however often anyone looks. None until there is enough feedback.

    `feedback_ratio` asks of the units that gave feedback what `sample_ratio` asks of those assigned. Its `alarm` alone
    says that the users of some variant answer less often, or later, and may be unlike the others; it holds nothing
    back. None for preferences.
    """

    p_value: float | None
    variants: list[VariantReport]
    feedbacks: int
    has_enough_feedbacks: bool
    begin_date: Time
    end_date: Time | None
    winner: str | None
    outcome: Outcome | None
    summary: str
    assumptions: list[str]
    progress: float | None
    guardrails: list[GuardrailReport]
    sample_ratio: SampleRatio
    shadow: ShadowReport
    feedback_ratio: SampleRatio | None = None


class ABTest(Struct, kw_only=True, frozen=True):
    """An A/B test and its report."""

    id: UUID
    key: str
    use_case: str
    feedback_key: str
    feedback_type: FeedbackType
    models: list[str]
    traffic_split: float
    auto_deploy: bool
    min_effect: float | None
    max_feedbacks: int
    expires_at: Time
    guardrails: list[Guardrail]
    shadow: float
    status: Status
    created_at: Time
    report: ABReport


class Look(Struct, kw_only=True, frozen=True):
    """The figures as they were at one moment, the intervals in the order of the test's models."""

    at: Time
    feedbacks: int
    p_value: float | None
    intervals: list[Interval | None]


class History(Struct, kw_only=True, frozen=True):
    """How the figures came to be, oldest first: a look whenever the feedback had grown by some percent."""

    looks: list[Look]


class PlanRequest(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is expected of a test. `effect` is the difference worth finding.

    For a bool key give the `baseline` rate, for a scalar key the standard deviation `sd` (and `skewness`, if values are
    lopsided); for preferences `effect` is the win rate above one half, and `ties` the share of ties.
    """

    effect: float
    baseline: float | None = None
    sd: float | None = None
    skewness: float = 0.0
    ties: float = 0.0
    variants: Annotated[int, Meta(ge=2, le=10)] = 2
    feedback_type: FeedbackType = "metric"


class Forecast(Struct, kw_only=True, frozen=True):
    """How much feedback a test needs, in units per variant.

    Half of such tests have decided by `median`, four in five by `for_80_percent`; a test that looks only once, at its
    end, would need `fixed_horizon`. No figures are shown before `warmup`. `max_feedbacks` is a sensible maximum.
    """

    median: int
    for_80_percent: int
    fixed_horizon: int
    warmup: int
    max_feedbacks: int
    summary: str


class ABTests(Struct, kw_only=True, frozen=True):
    """A list of A/B tests."""

    ab_tests: list[ABTest]


class ABTestFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which tests to list. `active` means warming up or in progress."""

    use_case: Reference
    active: bool | None = None
    status: Status | None = None


class ABTestReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One A/B test."""

    ab_test: Reference


PLAN = Endpoint(
    method="POST",
    path="/api/v1/ab_tests/plan",
    takes=PlanRequest,
    returns=Forecast,
    permission="ab_test:read",
    summary="Tell how much feedback a test needs",
)
HISTORY = Endpoint(
    method="GET",
    path="/api/v1/ab_tests/{ab_test}/history",
    takes=ABTestReference,
    returns=History,
    permission="ab_test:read",
    summary="Show how the figures of an A/B test came to be",
)
CREATE = Endpoint(
    method="POST",
    path="/api/v1/ab_tests",
    takes=ABTestCreate,
    returns=ABTest,
    permission="ab_test:create",
    summary="Start an A/B test",
    status=201,
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/ab_tests",
    takes=ABTestFilter,
    returns=ABTests,
    permission="ab_test:read",
    summary="List A/B tests of a use case",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/ab_tests/{ab_test}",
    takes=ABTestReference,
    returns=ABTest,
    permission="ab_test:read",
    summary="Get an A/B test with its report",
)
CANCEL = Endpoint(
    method="POST",
    path="/api/v1/ab_tests/{ab_test}/cancel",
    takes=ABTestReference,
    returns=ABTest,
    permission="ab_test:cancel",
    summary="Cancel an A/B test",
)
