"""Every filter of the list, alone and combined, against a model of it in plain Python."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Both
from tests.interactions.conftest import PROMPTS, SESSIONS, START, USERS, VALUES, Fact, World

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

COMPARISONS = {
    name: getattr(operator, python)
    for name, python in {"gt": "gt", "gte": "ge", "eq": "eq", "neq": "ne", "lt": "lt", "lte": "le"}.items()
}


@pytest.fixture(scope="module")
def reader(server: RunningServer) -> Iterator[Tropism]:
    with Tropism(server.base_url, server.api_key) as client:
        yield client


def some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), max_size=3, unique=True)


moments = st.integers(START - 2, START + 102)
feedbacks = st.fixed_dictionaries(
    {"metric": st.sampled_from(["stars", "thumbs"])},
    optional={
        **{name: st.sampled_from([*VALUES, 0.5, 99.0]) for name in COMPARISONS},
        "user": st.sampled_from(USERS),
        "reasons": some(["wrong", "rude", "never"]),
    },
)
labels = st.fixed_dictionaries(
    {"key": st.sampled_from(["l1", "l2", "l3"])}, optional={"value": some(["x", "y", "é", "z"])}
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "models": some(["echo-a", "echo-b", "echo-c"]),
        "timerange": st.fixed_dictionaries({}, optional={"from": moments, "to": moments}),
        "session_id": st.sampled_from(SESSIONS),
        "user_id": st.sampled_from(USERS),
        "feedbacks": st.lists(feedbacks, min_size=1, max_size=2),
        "comparisons": st.lists(
            st.fixed_dictionaries({"metric": st.sampled_from(["stars", "thumbs"])}), min_size=1, max_size=2
        ),
        "labels": st.lists(labels, min_size=1, max_size=2),
        "prompt": st.sampled_from(PROMPTS),
        "in_test": st.just(True),
        "source": some(["LIVE", "OFFLINE", "EVALUATION"]),
    },
)


def matches(fact: Fact, wanted: dict[str, Any]) -> bool:
    """What the reference says of each filter."""
    time = wanted.get("timerange", {})
    return all(
        (
            "models" not in wanted or fact.model in wanted["models"],
            time.get("from", 0) <= fact.milliseconds < time.get("to", 2**48),
            "session_id" not in wanted or fact.session == wanted["session_id"],
            "user_id" not in wanted or fact.user == wanted["user_id"],
            all(has_feedback(fact, each) for each in wanted.get("feedbacks", ())),
            all(each["metric"] in fact.compared for each in wanted.get("comparisons", ())),
            all(has_label(fact, each) for each in wanted.get("labels", ())),
            "prompt" not in wanted or fact.prompt == wanted["prompt"],
            "in_test" not in wanted or fact.in_test,
            "source" not in wanted or fact.source in wanted["source"],
        )
    )


def has_feedback(fact: Fact, wanted: dict[str, Any]) -> bool:
    return any(
        key == wanted["metric"]
        and all(test(value, wanted[name]) for name, test in COMPARISONS.items() if name in wanted)
        and ("user" not in wanted or user == wanted["user"])
        and ("reasons" not in wanted or reason in wanted["reasons"])
        for (key, user), (value, reason) in fact.feedbacks.items()
    )


def has_label(fact: Fact, wanted: dict[str, Any]) -> bool:
    return wanted["key"] in fact.labels and ("value" not in wanted or fact.labels[wanted["key"]] in wanted["value"])


def sent(world: World, wanted: dict[str, Any]) -> Any:
    """The filter as the API takes it: with the world's own keys, and a prompt by its hash."""
    filters = {key: value for key, value in wanted.items() if key not in ("prompt", "in_test")}
    for name in ("feedbacks", "comparisons"):
        if name in filters:
            filters[name] = [{**each, "metric": f"{world.name}-{each['metric']}"} for each in filters[name]]
    if "prompt" in wanted:
        asked = [fact for fact in world.facts.values() if fact.prompt == wanted["prompt"]]
        filters["prompt_hash"] = asked[0].shown.prompt_hash
    if "in_test" in wanted:
        filters["tags"] = [f"{world.name}-test"]
    return filters


@settings(max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=filters)
def test_a_list_holds_what_matches_and_nothing_else(reader: Tropism, world: World, wanted: dict[str, Any]) -> None:
    page = reader.interactions.list(filters=sent(world, wanted), page={"first": 500}, use_case=world.name)
    expected = sorted((fact.id for fact in world.facts.values() if matches(fact, wanted)), reverse=True)
    assert [node.id for node in page.nodes] == expected
    assert page.total_count == len(expected)
    assert not page.page_info.has_next_page


@pytest.mark.parametrize(
    "wanted",
    [
        {"models": ["echo-b"]},
        {"timerange": {"from": START + 20, "to": START + 60}},
        {"timerange": {"from": START + 60, "to": START + 20}},
        {"session_id": SESSIONS[0]},
        {"user_id": USERS[0]},
        *({"feedbacks": [{"metric": "stars", name: 1.0}]} for name in COMPARISONS),
        {"feedbacks": [{"metric": "stars"}]},
        {"feedbacks": [{"metric": "stars", "gt": 0, "lt": 2.5}, {"metric": "thumbs"}]},
        {"feedbacks": [{"metric": "stars", "user": USERS[1]}]},
        {"feedbacks": [{"metric": "stars", "reasons": ["rude"]}]},
        {"comparisons": [{"metric": "stars"}]},
        {"labels": [{"key": "l1"}]},
        {"labels": [{"key": "l1", "value": ["é", "x"]}, {"key": "l2"}]},
        {"prompt": PROMPTS[0]},
        {"in_test": True},
        {"source": ["LIVE"]},
    ],
)
def test_each_filter_alone(call: Both, world: World, wanted: dict[str, Any]) -> None:
    page = call("interactions.list", filters=sent(world, wanted), page={"first": 500}, use_case=world.name)
    expected = {fact.id for fact in world.facts.values() if matches(fact, wanted)}
    assert {node.id for node in page.nodes} == expected
    if "to" not in wanted.get("timerange", {}) or wanted["timerange"]["to"] > wanted["timerange"]["from"]:
        assert 0 < len(expected) < len(world.facts), "the example tells matches from others"


def test_one_completion_by_its_id(call: Both, world: World) -> None:
    id = next(iter(world.facts))
    page = call("interactions.list", filters={"completion_id": id}, use_case=world.name)
    assert ([node.id for node in page.nodes], page.total_count) == ([id], 1)
    nothing = call("interactions.list", filters={"completion_id": uuid4()}, use_case=world.name)
    assert (nothing.nodes, nothing.total_count, nothing.page_info.end_cursor) == ([], 0, None)


def test_keys_may_be_ids(call: Both, world: World) -> None:
    metric = call("feedback.get_key", f"{world.name}-stars").id
    model = call("models.get", "echo-a").id
    test = call("ab_tests.get", f"{world.name}-test").id
    by_id = {"models": [model], "tags": [str(test)], "feedbacks": [{"metric": metric, "gte": -9}]}
    page = call("interactions.list", filters=by_id, page={"first": 500}, use_case=world.name)
    wanted = {"models": ["echo-a"], "in_test": True, "feedbacks": [{"metric": "stars"}]}
    assert {node.id for node in page.nodes} == {fact.id for fact in world.facts.values() if matches(fact, wanted)}


@pytest.mark.parametrize(
    ("filters", "param"),
    [
        ({"models": ["nobody"]}, "model"),
        ({"feedbacks": [{"metric": "nothing"}]}, "metric"),
        ({"comparisons": [{"metric": "nothing"}]}, "metric"),
        ({"tags": ["nowhere"]}, "tags"),
    ],
)
def test_a_filter_by_what_is_not_there_is_an_error(call: Both, case: str, filters: Any, param: str) -> None:
    with pytest.raises(tropism.NotFoundError) as caught:
        call("interactions.list", filters=filters, use_case=case)
    assert caught.value.param == param


def test_the_test_of_another_use_case_is_no_tag_here(call: Both, world: World, case: str) -> None:
    with pytest.raises(tropism.NotFoundError):
        call("interactions.list", filters={"tags": [f"{world.name}-test"]}, use_case=case)


@pytest.mark.parametrize(
    ("filters", "param"),
    [
        ({"models": "echo-a"}, "filters.models"),
        ({"timerange": {"from": "now"}}, "filters.timerange.from"),
        ({"timerange": {"from": 1.5}}, "filters.timerange.from"),
        ({"session_id": "x"}, "filters.session_id"),
        ({"feedbacks": [{"gt": 1}]}, "filters.feedbacks[0].metric"),
        ({"feedbacks": [{"metric": "x", "above": 1}]}, "filters.feedbacks[0].above"),
        ({"labels": [{"value": ["x"]}]}, "filters.labels[0].key"),
        ({"labels": [{"key": "x", "value": ["y"] * 101}]}, "filters.labels[0].value"),
        ({"models": ["echo-a"] * 101}, "filters.models"),
        ({"prompt_hash": "xyz"}, "prompt_hash"),
        ({"source": ["DEAD"]}, "filters.source[0]"),
        ({"color": "red"}, "filters.color"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused_by_name(client: Tropism, case: str, filters: Any, param: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.interactions.list(filters=filters, use_case=case)
    assert caught.value.param == param


@pytest.mark.parametrize("extreme", [-(2**63), -1, 0, 2**48, 2**63 - 1])
def test_times_beyond_all_ids_are_just_far_away(call: Both, world: World, extreme: int) -> None:
    for bound, everything in (("from", extreme <= 0), ("to", extreme > 0)):
        filters = {"timerange": {bound: extreme}}
        page = call("interactions.list", filters=filters, page={"first": 1}, use_case=world.name)
        assert page.total_count == (len(world.facts) if everything else 0)


def test_many_common_filters_at_once_are_answered(client: Tropism, case: str) -> None:
    """More ids than SQLite takes as values of one statement, were they all named in it."""
    row: Any = {"completion": "A", "prompt": "Q", "labels": {f"l{i}": "x" for i in range(32)}}
    client.interactions.create_many([row] * 1_000, use_case=case)
    client.interactions.create_many([row] * 100, use_case=case)
    filters: Any = {"labels": [{"key": f"l{i}"} for i in range(32)]}
    assert client.interactions.list(filters=filters, page={"first": 1}, use_case=case).total_count == 1_100
