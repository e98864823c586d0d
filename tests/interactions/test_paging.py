"""Order and pages: everything once, in order, both ways, also while rows come in; cursors that do not fit."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.conftest import Both
from tests.interactions.conftest import Fact, World

import tropism
from tropism import Tropism

SORTED_BY: dict[str, Callable[[Fact], Any]] = {
    "created_at": lambda fact: fact.shown.created_at,
    "prompt_tokens": lambda fact: fact.shown.usage.prompt_tokens if fact.shown.usage else -1,
    "completion_tokens": lambda fact: fact.shown.usage.completion_tokens if fact.shown.usage else -1,
    "latency_ms": lambda fact: -1.0 if fact.shown.timings.latency_ms is None else fact.shown.timings.latency_ms,
}


def forwards(call: Both, size: int, **query: Any) -> list[Any]:
    """Every page from the first, by `after`."""
    pages = [call("interactions.list", page={"first": size}, **query)]
    while pages[-1].page_info.has_next_page:
        following = {"first": size, "after": pages[-1].page_info.end_cursor}
        pages.append(call("interactions.list", page=following, **query))
    return pages


def backwards(call: Both, size: int, **query: Any) -> list[Any]:
    """Every page from the last, by `before`, in the order of the list."""
    pages = [call("interactions.list", page={"last": size}, **query)]
    while pages[0].page_info.has_previous_page:
        earlier = {"last": size, "before": pages[0].page_info.start_cursor}
        pages.insert(0, call("interactions.list", page=earlier, **query))
    return pages


def ids(pages: list[Any]) -> list[UUID]:
    return [node.id for page in pages for node in page.nodes]


@pytest.mark.parametrize("field", SORTED_BY)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_pages_hold_everything_once_in_order_both_ways(call: Both, world: World, field: str, direction: str) -> None:
    facts = sorted(world.facts.values(), key=lambda fact: fact.id, reverse=direction == "DESC")
    facts.sort(key=SORTED_BY[field], reverse=direction == "DESC")
    query: dict[str, Any] = {"order": [{"field": field, "order": direction}], "use_case": world.name}
    there, back = forwards(call, 61, **query), backwards(call, 61, **query)
    assert ids(there) == ids(back) == [fact.id for fact in facts]
    assert {page.total_count for page in there + back} == {len(facts)}
    flags = [(page.page_info.has_previous_page, page.page_info.has_next_page) for page in there]
    assert flags == [(False, True), *[(True, True)] * (len(there) - 2), (True, False)]
    assert [(page.page_info.has_previous_page, page.page_info.has_next_page) for page in back] == flags


def test_a_page_says_all_that_get_says(call: Both, world: World) -> None:
    for node in call("interactions.list", page={"first": 500}, use_case=world.name).nodes:
        fact = world.facts[node.id]
        shown = {(each.feedback_key, each.user): (each.value, each.reason) for each in node.direct_feedbacks}
        assert shown == {(f"{world.name}-{key}", user): value for (key, user), value in fact.feedbacks.items()}
        assert {each.feedback_key for each in node.comparison_feedbacks} == {
            f"{world.name}-{key}" for key in fact.compared
        }
        assert (node.model, node.user, node.labels, node.source) == (fact.model, fact.user, fact.labels, fact.source)
        assert node.session_id == (fact.session or node.session_id)
        assert (node.messages, node.usage, node.timings) == (
            fact.shown.messages,
            fact.shown.usage,
            fact.shown.timings,
        )


def test_pages_keep_to_their_filter(call: Both, world: World) -> None:
    query: dict[str, Any] = {"filters": {"models": ["echo-a"], "source": ["LIVE", "OFFLINE"]}, "use_case": world.name}
    expected = sorted((fact.id for fact in world.facts.values() if fact.model == "echo-a"), reverse=True)
    assert ids(forwards(call, 7, **query)) == ids(backwards(call, 7, **query)) == expected


def test_without_a_page_the_first_fifty_come(call: Both, world: World) -> None:
    page = call("interactions.list", use_case=world.name)
    assert [node.id for node in page.nodes] == sorted(world.facts, reverse=True)[:50]
    assert (page.page_info.has_next_page, page.page_info.has_previous_page) == (True, False)


def test_before_and_after_alone_take_fifty(call: Both, world: World) -> None:
    newest = sorted(world.facts, reverse=True)
    end = call("interactions.list", page={"first": 60}, use_case=world.name).page_info.end_cursor
    after = call("interactions.list", page={"after": end}, use_case=world.name)
    before = call("interactions.list", page={"before": end}, use_case=world.name)
    assert [node.id for node in after.nodes] == newest[60:110]
    assert [node.id for node in before.nodes] == newest[9:59]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_no_row_is_lost_or_twice_while_rows_come_in(call: Both, case: str, direction: str) -> None:
    def log(number: int, at: datetime | None) -> list[UUID]:
        row = {"completion": "A", "prompt": "Q"} | ({} if at is None else {"created_at": at})
        return [each.completion_id for each in call("interactions.create_many", [row] * number, use_case=case)]

    old = datetime(2024, 1, 1, tzinfo=UTC)
    there_before = {*log(15, old), *log(15, datetime(2025, 1, 1, tzinfo=UTC)), *log(15, None)}
    order = [{"field": "created_at", "order": direction}]
    for way, edge, cursor, more in (
        ("first", "after", "end_cursor", "has_next_page"),
        ("last", "before", "start_cursor", "has_previous_page"),
    ):
        seen: list[UUID] = []
        page: dict[str, Any] = {way: 4}
        for _ in itertools.count():
            answer = call("interactions.list", order=order, page=page, use_case=case)
            seen += [node.id for node in answer.nodes]
            if not getattr(answer.page_info, more) or len(seen) > 500:
                break
            page = {way: 4, edge: getattr(answer.page_info, cursor)}
            for at in (None, old, datetime(2024, 6, 1, tzinfo=UTC)):
                log(1, at)
        assert len(seen) == len(set(seen))
        assert there_before <= set(seen)
        there_before |= set(seen)


def test_list_all_walks_through_everything(world: World, client: Tropism) -> None:
    walked = [node.id for node in client.interactions.list_all(page_size=33, use_case=world.name)]
    assert walked == sorted(world.facts, reverse=True)


@pytest.fixture
def cursor(world: World, client: Tropism) -> str:
    end = client.interactions.list(page={"first": 3}, use_case=world.name).page_info.end_cursor
    assert end is not None
    return end


@pytest.mark.parametrize(
    "other",
    [
        {"order": [{"field": "created_at", "order": "ASC"}]},
        {"order": [{"field": "latency_ms", "order": "DESC"}]},
        {"filters": {"models": ["echo-a"]}},
        {"group_by": "model"},
    ],
)
def test_a_cursor_of_another_query_is_refused(call: Both, world: World, cursor: str, other: dict[str, Any]) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="belongs to a query with another") as caught:
        call("interactions.list", page={"first": 3, "after": cursor}, use_case=world.name, **other)
    assert caught.value.param == "page"


def test_a_cursor_of_another_use_case_is_refused(call: Both, case: str, cursor: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="belongs to a query with another"):
        call("interactions.list", page={"first": 3, "after": cursor}, use_case=case)


def forged(cursor: str, value: object) -> str:
    """The cursor with another value in it, though made for the same query."""
    old = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(json.dumps([value, *old[1:]]).encode()).decode()


@pytest.mark.parametrize(
    "garbage", ["", "x", "====", "null", "é🌱", "W10", "A" * 100_000, base64.b64encode(b"[" * 9_999)]
)
def test_a_garbage_cursor_is_refused(client: Tropism, case: str, garbage: Any) -> None:
    text = garbage if isinstance(garbage, str) else garbage.decode()
    for edge in ("after", "before"):
        page: Any = {edge: text}
        with pytest.raises(tropism.UnprocessableEntityError, match="no cursor"):
            client.interactions.list(page=page, use_case=case)


def test_a_forged_cursor_does_no_harm(call: Both, world: World, client: Tropism, cursor: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError):
        call("interactions.list", page={"after": forged(cursor, 1.5)}, use_case=world.name)
    order: Any = [{"field": "latency_ms"}]
    slow = client.interactions.list(order, page={"first": 3}, use_case=world.name).page_info.end_cursor
    assert slow is not None
    with pytest.raises(tropism.UnprocessableEntityError):
        call("interactions.list", order, page={"after": forged(slow, None)}, use_case=world.name)
    assert call("interactions.list", order, page={"after": forged(slow, -2)}, use_case=world.name).nodes == []


@pytest.mark.parametrize(
    "page",
    [
        {"first": 1, "last": 1},
        {"first": 1, "before": "CURSOR"},
        {"last": 1, "after": "CURSOR"},
        {"after": "CURSOR", "before": "CURSOR"},
    ],
)
def test_both_ways_at_once_are_refused(call: Both, world: World, cursor: str, page: dict[str, Any]) -> None:
    given = {key: cursor if value == "CURSOR" else value for key, value in page.items()}
    with pytest.raises(tropism.UnprocessableEntityError, match="not both") as caught:
        call("interactions.list", page=given, use_case=world.name)
    assert caught.value.param == "page"


@pytest.mark.parametrize("page", [{"first": 0}, {"first": -1}, {"last": 501}, {"first": 10**30}, {"first": "1"}])
def test_a_page_has_a_sensible_size(client: Tropism, case: str, page: Any) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.interactions.list(page=page, use_case=case)
    assert caught.value.param == f"page.{next(iter(page))}"


@pytest.mark.parametrize(
    ("order", "param"),
    [
        ([{"field": "color"}], "order[0].field"),
        ([{"field": "created_at", "order": "UP"}], "order[0].order"),
        ([{"field": "created_at"}, {"field": "latency_ms"}], "order"),
    ],
)
def test_an_order_that_is_none_is_refused(client: Tropism, case: str, order: Any, param: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.interactions.list(order, use_case=case)
    assert caught.value.param == param


def test_an_unknown_use_case_is_named(call: Both) -> None:
    with pytest.raises(tropism.NotFoundError, match="use_cases.create"):
        call("interactions.list", use_case=f"nowhere-{uuid4().hex}")


def test_one_that_was_compared_often_hides_no_other(call: Both, client: Tropism, case: str) -> None:
    """It is found once for each comparison: what comes next may not be among the first that are found."""
    client.feedback.register_key(key := f"key-{uuid4().hex[:12]}")
    client.feedback.link(key, use_case=case)
    rows: Any = [{"completion": str(number), "prompt": "p"} for number in range(30)]
    made = sorted(each.completion_id for each in client.interactions.create_many(rows, use_case=case))
    for preferred, other in ((0, 7), (0, 8), (0, 9), (1, 9)):
        client.feedback.log_preference(key, made[preferred], made[other], use_case=case)
    order: Any = [{"field": "created_at", "order": "ASC"}]
    compared: Any = {"comparisons": [{"metric": key}]}
    query: Any = {"order": order, "filters": compared, "use_case": case}
    assert ids(forwards(call, 2, **query)) == ids(backwards(call, 2, **query)) == [made[at] for at in (0, 1, 7, 8, 9)]
