"""Any JSON as filters: a page, or a refusal; and pages of what matches, in any order, as a list in Python has them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args
from uuid import UUID

import httpx2
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.interactions.conftest import Fact, World
from tests.interactions.test_filters import filters, matches, sent

from tropism import Tropism
from tropism.testing import RunningServer
from tropism.wire.interactions import (
    ComparisonFilter,
    FeedbackFilter,
    InteractionFilter,
    LabelFilter,
    Order,
    OrderField,
    TimeRange,
)
from tropism.wire.page import Page

FIELDS = sorted(
    {
        name
        for struct in (InteractionFilter, TimeRange, FeedbackFilter, ComparisonFilter, LabelFilter, Order)
        for name in struct.__struct_encode_fields__
    }
)
TEXTS = st.text() | st.sampled_from(
    ["echo-a", "l1", "x", "LIVE", "00", "0" * 64, "%", "\0", "é", str(UUID(int=7)), "1e400"]
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**400, 1e308, -0.0, 5e-324])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=3),
    max_leaves=10,
)
TEXT_LISTS = st.lists(TEXTS, max_size=4)
BOUNDS = st.dictionaries(st.sampled_from(["gt", "gte", "eq", "neq", "lt", "lte"]), NUMBERS, max_size=3)
LIKELY = st.fixed_dictionaries(
    {},
    optional={
        "timerange": st.dictionaries(st.sampled_from(["from", "to"]), NUMBERS),
        "labels": st.lists(st.fixed_dictionaries({"key": TEXTS}, optional={"value": TEXT_LISTS}), max_size=4),
        "feedbacks": st.lists(
            st.tuples(st.just({"metric": "stars"}), BOUNDS, st.dictionaries(st.just("reasons"), TEXT_LISTS)).map(
                lambda parts: parts[0] | parts[1] | parts[2]
            ),
            max_size=3,
        ),
        "comparisons": st.lists(st.just({"metric": "stars"}) | st.fixed_dictionaries({"metric": TEXTS}), max_size=3),
        "prompt_hash": TEXTS,
        "models": TEXT_LISTS,
        "tags": TEXT_LISTS,
        "source": st.lists(st.sampled_from(["LIVE", "OFFLINE", "x"]), max_size=3),
        "session_id": TEXTS,
        "completion_id": TEXTS,
    },
)


@pytest.fixture(scope="module")
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}", "Content-Type": "application/json"}
    with httpx2.Client(base_url=server.base_url, headers=headers, timeout=30) as client:
        yield client


def named(wanted: Any, world: World) -> Any:
    """With the world's own metric, so that a filter gets as far as the database."""
    for each in [*(wanted.get("feedbacks") or ()), *(wanted.get("comparisons") or ())]:
        if each["metric"] == "stars":
            each["metric"] = f"{world.name}-stars"
    return wanted


def asked(http: httpx2.Client, path: str, body: Any) -> httpx2.Response:
    return http.post(f"/api/v1/interactions/{path}", content=msgspec.json.encode(body))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=VALUES | LIKELY, order=st.none() | VALUES, page=st.none() | VALUES)
def test_whatever_the_filters_are_there_is_a_page_or_a_refusal(
    http: httpx2.Client, world: World, wanted: Any, order: Any, page: Any
) -> None:
    body = {"use_case": world.name, "filters": wanted, "order": order, "page": page}
    assert asked(http, "query", body).status_code in (200, 404, 422)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=LIKELY)
def test_filters_of_the_right_shape_mean_the_same_wherever_they_are_given(
    http: httpx2.Client, world: World, wanted: Any
) -> None:
    body = {"use_case": world.name, "filters": named(wanted, world)}
    listed, exported = asked(http, "query", body | {"page": {"first": 500}}), asked(http, "export", body)
    assert listed.status_code in (200, 404, 422), listed.text
    assert exported.status_code == listed.status_code
    if listed.status_code == 200:
        ids = [node["id"] for node in listed.json()["nodes"]]
        assert [msgspec.json.decode(line)["id"] for line in exported.content.splitlines()] == ids[::-1]


def place(fact: Fact, field: OrderField) -> tuple[float, int]:
    """What an interaction is ordered by; what it does not have comes last, going up and going down."""
    shown = fact.shown
    found: dict[str, float | None] = {
        "created_at": 0.0,
        "prompt_tokens": shown.usage.prompt_tokens if shown.usage else None,
        "completion_tokens": shown.usage.completion_tokens if shown.usage else None,
        "latency_ms": shown.timings.latency_ms,
        "cost_usd": shown.cost_usd,
    }
    value = found[field]
    return (-math.inf if value is None else value, fact.id.int)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    wanted=filters,
    field=st.sampled_from(get_args(OrderField)),
    way=st.sampled_from(["ASC", "DESC"]),
    size=st.integers(1, 90),
)
def test_pages_in_any_order_hold_what_matches_each_once(
    client: Tropism, world: World, wanted: Any, field: Any, way: Any, size: int
) -> None:
    expected = sorted(
        (fact for fact in world.facts.values() if matches(fact, wanted)),
        key=lambda fact: place(fact, field),
        reverse=way == "DESC",
    )
    order, given_filters = Order(field=field, order=way), sent(world, wanted)
    found = list[UUID]()
    after: str | None = None
    while True:
        page = client.interactions.list([order], given_filters, Page(first=size, after=after), use_case=world.name)
        found += [node.id for node in page.nodes]
        if not page.page_info.has_next_page:
            break
        after = page.page_info.end_cursor
    assert found == [fact.id for fact in expected]
