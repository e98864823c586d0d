"""Logging completions made elsewhere: one at a time and in bulk, with feedback, all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism

MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hällo 🌱\u0000"}]


def count(client: Tropism, use_case: str) -> int:
    return client.interactions.list(use_case=use_case).total_count


def test_get_shows_all_that_was_logged(call: Both, use_case: str) -> None:
    user, session, at = uuid4(), uuid4(), datetime(2024, 2, 29, 12, 0, 0, 123_000, UTC)
    logged = call(
        "interactions.create",
        "Guten Tag",
        model="echo-a",
        messages=MESSAGES,
        feedbacks=[
            {"feedback_key": f"{use_case}-stars", "value": 4.5, "details": "nice"},
            {"feedback_key": f"{use_case}-thumbs", "value": True},
        ],
        user=user,
        session_id=session,
        labels={"lang": "de"},
        created_at=at,
        use_case=use_case,
    )
    assert logged.session_id == session
    found = call("interactions.get", logged.completion_id, use_case=use_case)
    assert found.id == found.completion_id == logged.completion_id
    assert [(message.role, message.content) for message in found.messages] == [
        (message["role"], message["content"]) for message in MESSAGES
    ]
    assert (found.completion, found.model, found.use_case) == ("Guten Tag", "echo-a", use_case)
    assert (found.user, found.session_id, found.labels, found.created_at) == (user, session, {"lang": "de"}, at)
    assert (found.source, found.ab_test, found.usage, found.finish_reason) == ("OFFLINE", None, None, None)
    assert (found.timings.latency_ms, found.timings.first_token_ms) == (None, None)
    direct = [(each.id, each.feedback_key, each.value, each.details, each.user) for each in found.direct_feedbacks]
    stars, thumbs = logged.feedback_ids
    assert direct == [(stars, f"{use_case}-stars", 4.5, "nice", user), (thumbs, f"{use_case}-thumbs", 1.0, None, user)]
    assert found.comparison_feedbacks == []
    assert call("interactions.list", use_case=use_case).nodes == [found]


def test_a_prompt_is_one_message_of_the_user(call: Both, use_case: str) -> None:
    one = call("interactions.create", "A", prompt="Q", use_case=use_case)
    two = call("interactions.create", "B", messages=[{"role": "user", "content": "Q"}], use_case=use_case)
    first, second = (call("interactions.get", each.completion_id, use_case=use_case) for each in (one, two))
    assert first.messages == second.messages
    assert first.prompt_hash == second.prompt_hash
    assert first.session_id != second.session_id
    assert first.model is None


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "Q", "messages": [{"role": "user", "content": "Q"}]}, "prompt"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "Q"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "Q"}] * 1_001}, "messages"),
        ({"prompt": "Q", "labels": {f"l{i}": "x" for i in range(33)}}, "labels"),
        ({"prompt": "Q", "labels": {"": "x"}}, "labels"),
        ({"prompt": "Q", "labels": {"l": "x" * 257}}, "labels[...]"),
        ({"prompt": "Q", "labels": {"l": 1}}, "labels[...]"),
        ({"prompt": "Q", "user": "me"}, "user"),
        ({"prompt": "Q", "session_id": 7}, "session_id"),
        ({"prompt": "Q", "created_at": "yesterday"}, "created_at"),
        ({"prompt": "Q", "created_at": "2024-01-01T00:00:00"}, "created_at"),
        ({"prompt": "Q", "created_at": "1969-12-31T23:59:59Z"}, "created_at"),
        ({"prompt": "Q", "created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
        ({"prompt": "Q", "created_at": "9999-12-31T23:59:59-14:00"}, "created_at"),
        ({"prompt": "Q", "created_at": datetime.now(UTC) + timedelta(hours=1)}, "created_at"),
        ({"prompt": "Q", "feedbacks": [{"feedback_key": "x"}]}, "feedbacks[0].value"),
        ({"prompt": "Q", "feedbacks": [{"feedback_key": "x", "value": "1"}]}, "feedbacks[0].value"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(client: Tropism, case: str, given: dict[str, Any], param: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.interactions.create("A", use_case=case, **given)
    assert caught.value.param == param
    assert count(client, case) == 0


@pytest.mark.parametrize(
    ("given", "param", "error"),
    [
        ({"model": "nobody"}, "model", tropism.NotFoundError),
        ({"ab_campaign": "nowhere"}, "ab_campaign", tropism.NotFoundError),
        ({"feedbacks": [{"feedback_key": "nothing", "value": 1}]}, "feedbacks[0].feedback_key", tropism.NotFoundError),
    ],
)
def test_what_is_not_there_is_named(
    call: Both, client: Tropism, use_case: str, given: dict[str, Any], param: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        call("interactions.create", "A", prompt="Q", use_case=use_case, **given)
    assert getattr(caught.value, "param") == param  # noqa: B009
    assert count(client, use_case) == 0


def test_an_unknown_use_case_says_how_to_create_it(call: Both) -> None:
    with pytest.raises(tropism.NotFoundError, match=r"use_cases\.create\('nowhere'\)"):
        call("interactions.create", "A", prompt="Q", use_case="nowhere")


@pytest.mark.parametrize(("key", "value", "field"), [("thumbs", 0.5, "value"), ("free", 1, "feedback_key")])
def test_one_bad_feedback_leaves_nothing_behind(
    call: Both, client: Tropism, use_case: str, key: str, value: float, field: str
) -> None:
    client.feedback.register_key(f"{use_case}-free")
    stars = {"feedback_key": f"{use_case}-stars", "value": 1}
    bad = {"feedback_key": f"{use_case}-{key}", "value": value}
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("interactions.create", "A", prompt="Q", labels={"a": "b"}, feedbacks=[stars, bad], use_case=use_case)
    assert caught.value.param == f"feedbacks[1].{field}"
    assert count(client, use_case) == 0
    for filters in ({"labels": [{"key": "a"}]}, {"feedbacks": [{"metric": f"{use_case}-stars"}]}):
        assert client.interactions.list(use_case=use_case, filters=filters).total_count == 0  # type: ignore[arg-type]


def test_a_back_dated_completion_stands_where_its_time_says(call: Both, use_case: str) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    days = [3, 1, 2, 0]
    ids = {
        day: call(
            "interactions.create", "A", prompt="Q", created_at=start + timedelta(days=day), use_case=use_case
        ).completion_id
        for day in days
    }
    now = call("interactions.create", "A", prompt="Q", use_case=use_case).completion_id
    listed = [each.id for each in call("interactions.list", use_case=use_case).nodes]
    assert listed == [now, ids[3], ids[2], ids[1], ids[0]]
    milliseconds = [int((start + timedelta(days=day)).timestamp() * 1000) for day in range(4)]
    between = {"timerange": {"from": milliseconds[1], "to": milliseconds[3]}}
    inside = call("interactions.list", filters=between, use_case=use_case).nodes
    assert [each.id for each in inside] == [ids[2], ids[1]], "`from` is included, `to` is not"


def test_a_back_dated_time_in_another_zone_is_the_same_moment(call: Both, use_case: str) -> None:
    logged = call("interactions.create", "A", prompt="Q", created_at="2024-05-01T01:30:00+02:00", use_case=use_case)
    found = call("interactions.get", logged.completion_id, use_case=use_case)
    assert found.created_at == datetime(2024, 4, 30, 23, 30, tzinfo=UTC)


def test_an_offline_completion_counts_in_its_ab_test(call: Both, client: Tropism, use_case: str) -> None:
    test = f"test-{uuid4().hex}"
    client.ab_tests.create(test, f"{use_case}-stars", ["echo-a", "echo-b"], traffic_split=0.0, use_case=use_case)
    logged = call(
        "interactions.create",
        "A",
        model="echo-b",
        prompt="Q",
        ab_campaign=test,
        feedbacks=[{"feedback_key": f"{use_case}-stars", "value": 3}],
        use_case=use_case,
    )
    found = call("interactions.get", logged.completion_id, use_case=use_case)
    assert (found.ab_test, found.tags) == (test, [test])
    feedbacks = {variant.variant: variant.feedbacks for variant in client.ab_tests.get(test).report.variants}
    assert feedbacks == {"echo-a": 0, "echo-b": 1}
    for wrong in ({}, {"model": "echo-c"}):
        with pytest.raises(tropism.UnprocessableEntityError) as caught:
            call("interactions.create", "A", prompt="Q", ab_campaign=test, use_case=use_case, **wrong)
        assert caught.value.param == "model"
    assert count(client, use_case) == 1


def test_bulk_returns_the_ids_in_order(call: Both, use_case: str) -> None:
    made = call(
        "interactions.create_many",
        [{"completion": f"A{i}", "prompt": "Q", "labels": {"i": str(i)}} for i in range(20)],
        use_case=use_case,
    )
    for i, logged in enumerate(made):
        assert call("interactions.get", logged.completion_id, use_case=use_case).completion == f"A{i}"


def test_bulk_is_all_or_nothing(call: Both, client: Tropism, use_case: str) -> None:
    stars = {"feedback_key": f"{use_case}-stars", "value": 1}
    many: list[Any] = [{"completion": "A", "prompt": "Q", "feedbacks": [stars]} for _ in range(500)]
    many[499]["model"] = "nobody"
    with pytest.raises(tropism.NotFoundError, match="no model 'nobody'") as caught:
        call("interactions.create_many", many, use_case=use_case)
    assert caught.value.param == "interactions[499].model"
    many[499] = {"completion": "A", "prompt": "Q", "feedbacks": [stars, {"feedback_key": "nothing", "value": 1}]}
    with pytest.raises(tropism.NotFoundError) as caught:
        call("interactions.create_many", many, use_case=use_case)
    assert caught.value.param == "interactions[499].feedbacks[1].feedback_key"
    many[499] = {"completion": 1, "prompt": "Q"}
    with pytest.raises(tropism.UnprocessableEntityError) as refused:
        call("interactions.create_many", many, use_case=use_case)
    assert refused.value.param == "interactions[499].completion"
    assert count(client, use_case) == 0
    filters: Any = {"feedbacks": [{"metric": f"{use_case}-stars"}]}
    assert client.interactions.list(use_case=use_case, filters=filters).total_count == 0


@pytest.mark.parametrize("number", [0, 1_001])
def test_bulk_has_its_limits(call: Both, use_case: str, number: int) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("interactions.create_many", [{"completion": "A", "prompt": "Q"}] * number, use_case=use_case)
    assert caught.value.param == "interactions"


def test_get_knows_the_completion_only_in_its_use_case(call: Both, client: Tropism, use_case: str) -> None:
    other = f"case-{uuid4().hex}"
    client.use_cases.create(other)
    logged = call("interactions.create", "A", prompt="Q", use_case=use_case)
    with pytest.raises(tropism.NotFoundError, match=r"interactions\.create"):
        call("interactions.get", logged.completion_id, use_case=other)
    with pytest.raises(tropism.NotFoundError, match=r"use_cases\.create"):
        call("interactions.get", logged.completion_id, use_case="nowhere")
    with pytest.raises(tropism.NotFoundError):
        call("interactions.get", uuid4(), use_case=use_case)
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        call("interactions.get", "no-id", use_case=use_case)
    assert caught.value.param == "completion_id"
