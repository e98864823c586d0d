"""How many a list says there are: exact where the log keeps count, and never more than there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tropism import Tropism
from tropism.server.domains.interactions.matches import COUNTED, LOOKED_AT
from tropism.wire.interactions import InteractionPage

START = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
MINUTES = 10
ROWS = 40
MODELS = ["echo-a", "echo-b", None]


def listed(client: Tropism, case: str, **filters: Any) -> InteractionPage:
    return client.interactions.list(filters=filters or None, page={"first": 500}, use_case=case)  # type: ignore[arg-type]


def milliseconds(minutes: int) -> int:
    return int((START + timedelta(minutes=minutes)).timestamp() * 1000)


@pytest.fixture
def hours(client: Tropism, case: str) -> str:
    """One interaction each ten minutes, over some hours."""
    rows: Any = [
        {
            "completion": "A",
            "prompt": "Q",
            "model": MODELS[i % 3],
            "created_at": START + timedelta(minutes=MINUTES * i),
            "labels": {"part": "odd" if i % 2 else "even", "number": str(i)},
        }
        for i in range(ROWS)
    ]
    client.interactions.create_many(rows, use_case=case)
    return case


@pytest.mark.parametrize("start", [0, 15, 30, 31, 90, 200, 389])
@pytest.mark.parametrize("length", [0, 1, 10, 30, 60, 95, 240, 1_000])
@pytest.mark.parametrize("models", [None, ["echo-a"], ["echo-a", "echo-b"]])
def test_hours_are_cut_where_the_range_says(
    client: Tropism, hours: str, start: int, length: int, models: list[str] | None
) -> None:
    span = {"from": milliseconds(start), "to": milliseconds(start + length)}
    page = listed(client, hours, timerange=span, **({"models": models} if models else {}))
    expected = [
        i for i in range(ROWS) if start <= MINUTES * i < start + length and (not models or MODELS[i % 3] in models)
    ]
    assert (page.total_count, len(page.nodes), page.total_is_exact) == (len(expected), len(expected), True)


def test_what_is_deleted_is_counted_no_more(client: Tropism, hours: str) -> None:
    older = START + timedelta(minutes=MINUTES * 25)
    client.interactions.delete(older_than=older, use_case=hours, wait=True)
    assert listed(client, hours).total_count == ROWS - 25
    assert listed(client, hours, source=["OFFLINE"], models=["echo-a"]).total_count == len(range(27, ROWS, 3))


def test_a_label_with_many_values_is_found_by_its_key(client: Tropism, case: str) -> None:
    rows: Any = [{"completion": "A", "prompt": "Q", "labels": {"request": str(i)} if i % 2 else {}} for i in range(400)]
    client.interactions.create_many(rows, use_case=case)
    page = listed(client, case, labels=[{"key": "request"}])
    assert (len(page.nodes), page.total_count, page.total_is_exact) == (200, 200, True)


def test_many_matches_are_counted_so_far_and_said_to_be_more(client: Tropism, case: str) -> None:
    row: Any = {"completion": "A", "prompt": "Q", "labels": {"lang": "de", "kind": "common"}}
    for _ in range(COUNTED // 1_000 + 1):
        client.interactions.create_many([row] * 1_000, use_case=case)
    rare: Any = {**row, "labels": {"lang": "de", "kind": "rare"}}
    client.interactions.create_many([rare] * 70, use_case=case)
    everything = listed(client, case)
    assert (everything.total_count, everything.total_is_exact) == (COUNTED + 1_070, True)
    common = listed(client, case, labels=[{"key": "lang", "value": ["de"]}])
    assert (common.total_count, common.total_is_exact, len(common.nodes)) == (COUNTED, False, 500)
    both = listed(client, case, labels=[{"key": "lang"}, {"key": "kind", "value": ["rare"]}])
    assert (both.total_count, both.total_is_exact, len(both.nodes)) == (70, True, 70)
    assert not both.page_info.has_next_page
    often = listed(client, case, labels=[{"key": "lang"}, {"key": "kind", "value": ["common"]}])
    assert (often.total_count, often.total_is_exact, len(often.nodes)) == (LOOKED_AT - 70, False, 500)
