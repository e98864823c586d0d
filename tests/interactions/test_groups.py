"""Interactions by model and by prompt."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

import pytest
from tests.conftest import Both
from tests.interactions.conftest import Fact, World
from tests.interactions.test_paging import backwards, forwards

import tropism


def grouped(world: World, by: str, descending: bool) -> list[tuple[str | None, list[Fact]]]:
    """The groups in order of their latest interaction."""
    groups: dict[str | None, list[Fact]] = defaultdict(list)
    for fact in world.facts.values():
        groups[fact.model if by == "model" else fact.shown.prompt_hash].append(fact)
    return sorted(groups.items(), key=lambda group: max(fact.id for fact in group[1]), reverse=descending)


@pytest.mark.parametrize("by", ["model", "prompt"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_groups_count_everything_once(call: Both, world: World, by: str, direction: str) -> None:
    expected = grouped(world, by, direction == "DESC")
    order = [{"field": "created_at", "order": direction}]
    query: dict[str, Any] = {"order": order, "group_by": by, "use_case": world.name}
    for pages in (forwards(call, 1, **query), forwards(call, 2, **query), backwards(call, 2, **query)):
        found = [group for page in pages for group in page.groups]
        assert [group.model if by == "model" else group.prompt_hash for group in found] == [key for key, _ in expected]
        assert {page.total_count for page in pages} == {len(expected)}
        assert all(page.nodes == [] for page in pages)
        for group, (_, facts) in zip(found, expected, strict=True):
            check(world, by, group, facts)


def check(world: World, by: str, group: Any, facts: list[Fact]) -> None:
    assert group.count == len(facts)
    assert group.last_created_at == max(fact.shown.created_at for fact in facts)
    latencies = [latency for fact in facts if (latency := fact.shown.timings.latency_ms) is not None]
    assert group.mean_latency_ms == (pytest.approx(statistics.mean(latencies)) if latencies else None)
    values: dict[str, list[float]] = defaultdict(list)
    for fact in facts:
        for (key, _), (value, _) in fact.feedbacks.items():
            values[f"{world.name}-{key}"].append(value)
    summaries = {each.feedback_key: (each.mean, each.count) for each in group.feedbacks}
    assert summaries == {
        key: (pytest.approx(statistics.mean(found)), len(found)) for key, found in sorted(values.items())
    }
    if by == "prompt":
        assert group.messages == facts[0].shown.messages
    else:
        assert (group.messages, group.prompt_hash) == (None, None)


def test_groups_keep_to_the_filter(call: Both, world: World) -> None:
    page = call("interactions.list", filters={"source": ["LIVE"]}, group_by="model", use_case=world.name)
    live = [fact for fact in world.facts.values() if fact.source == "LIVE"]
    assert {group.model: group.count for group in page.groups} == {
        model: sum(fact.model == model for fact in live) for model in ("echo-a", "echo-b")
    }


def test_groups_have_one_order(call: Both, world: World) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("interactions.list", order=[{"field": "latency_ms"}], group_by="model", use_case=world.name)
    assert caught.value.param == "order"


def test_a_group_by_anything_else_is_refused(call: Both, case: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("interactions.list", group_by="color", use_case=case)
    assert caught.value.param == "group_by"
