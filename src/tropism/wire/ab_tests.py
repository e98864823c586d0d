"""A/B tests: part of the traffic goes to several models, feedback finds the best."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.values import Key, Reference, Time

FeedbackType = Literal["metric", "preference"]
Status = Literal["warmup", "in_progress", "done", "cancelled"]


class ABTestCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new test between models that are attached to the use case, on a feedback key that is linked to it."""

    use_case: Reference
    ab_test_key: Key
    feedback_key: Reference
    models: Annotated[list[Reference], Meta(min_length=2, max_length=10)]
    traffic_split: Annotated[float, Meta(ge=0, le=1, description="The share of requests that enter the test.")] = 1.0
    feedback_type: FeedbackType = "metric"
    auto_deploy: bool = False


class Interval(Struct, kw_only=True, frozen=True):
    """An estimate with its 95 % interval, which holds however often it is looked at."""

    start: float
    middle: float
    end: float


class VariantComparison(Struct, kw_only=True, frozen=True):
    """One variant against another.

    `difference` is this variant's mean (or win rate) less the other's, in the feedback's own units. The counts are of
    preference feedback, seen from this variant.
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
    """What is known of one variant. `assigned` counts the completions that were routed to it."""

    variant: str
    interval: Interval | None
    feedbacks: int
    units: int
    assigned: int
    comparisons: list[VariantComparison]


class ABReport(Struct, kw_only=True, frozen=True):
    """The figures of a test; they stay valid however often anyone looks. None until there is enough feedback."""

    p_value: float | None
    variants: list[VariantReport]
    feedbacks: int
    has_enough_feedbacks: bool
    begin_date: Time
    end_date: Time | None
    winner: str | None
    outcome: str | None
    summary: str
    assumptions: list[str]


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
    status: Status
    created_at: Time
    report: ABReport


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
