"""What a use case says about its log: how long it is kept, what is blotted out; and what A/B tests keep."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from tests.conftest import Both

from tropism import NotFoundError, PermissionDeniedError, Tropism, UnprocessableEntityError
from tropism.server.database.engines import only_reading
from tropism.server.tables.ab_tests import ab_unit, ab_variant
from tropism.stats.sums import Sums, Unit
from tropism.testing import RunningServer, run_server

SECONDS = 20.0
MINE = "Mail a@b.de or call +49 30 1234567"
STORED = "Mail [email] or call +49 30 1234567"


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_a_setting_changes_alone(call: Both, use_case: str) -> None:
    before = call("use_cases.get", use_case)
    assert (before.retention_days, before.redact) == (None, [])
    call("use_cases.update", use_case, name="Tickets", retention_days=30, redact=["secret", "email", "email"])
    changed = call("use_cases.update", use_case, description="What it is")
    assert (changed.name, changed.description) == ("Tickets", "What it is")
    assert (changed.retention_days, changed.redact) == (30, ["email", "secret"])
    back = call("use_cases.update", use_case, retention_days=0, redact=[])
    assert (back.retention_days, back.redact, back.name) == (None, [], "Tickets")
    assert call("use_cases.get", use_case) == back


@pytest.mark.parametrize("wrong", [{"retention_days": -1}, {"redact": ["names"]}, {"name": ""}])
def test_a_bad_setting_is_refused(call: Both, use_case: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UnprocessableEntityError):
        call("use_cases.update", use_case, **wrong)
    with pytest.raises(NotFoundError):
        call("use_cases.update", "nowhere", name="x")


def test_who_may_not_delete_does_not_delete_by_retention(client: Tropism, server: RunningServer, use_case: str) -> None:
    client.roles.create(role := f"editors-{uuid4().hex[:8]}", ["use_case:read", "use_case:update"])
    email = f"{uuid4().hex}@example.com"
    client.users.create(email, "x", "default", role, kind="service")
    with Tropism(server.base_url, client.api_keys.create("k", user=email).key) as editor:
        with pytest.raises(PermissionDeniedError, match="interaction:delete"):
            editor.use_cases.update(use_case, retention_days=1)
        assert editor.use_cases.update(use_case, name="Tickets", retention_days=0).name == "Tickets"
    assert client.use_cases.get(use_case).retention_days is None


def test_developers_change_nothing(client: Tropism, server: RunningServer, use_case: str) -> None:
    email = f"{uuid4().hex}@example.com"
    client.users.create(email, "x", "default", "developer", kind="service")
    with (
        Tropism(server.base_url, client.api_keys.create("k", user=email).key) as developer,
        pytest.raises(PermissionDeniedError),
    ):
        developer.use_cases.update(use_case, retention_days=1)


def test_the_model_sees_it_and_the_log_does_not(call: Both, client: Tropism, use_case: str) -> None:
    call("use_cases.update", use_case, redact=["email"])
    answer = call("chat.create", said(MINE), use_case=use_case)
    assert answer.choices[0].message.content == MINE, "an echo: the model was told all of it"
    logged = client.interactions.get(answer.choices[0].completion_id, use_case=use_case)
    assert (logged.messages[0].content, logged.completion) == (STORED, STORED)
    streamed = call.items(call("chat.create", said(MINE), stream=True, use_case=use_case))
    pieces = [each.choices[0] for each in streamed if each.choices]
    assert "".join(piece.delta.content or "" for piece in pieces) == MINE
    assert client.interactions.get(pieces[0].completion_id, use_case=use_case).completion == STORED


def test_completions_made_elsewhere_are_redacted_too(client: Tropism, use_case: str) -> None:
    client.use_cases.update(use_case, redact=["email"])
    made = client.interactions.create(MINE, prompt=MINE, use_case=use_case)
    logged = client.interactions.get(made.completion_id, use_case=use_case)
    assert (logged.messages[0].content, logged.completion) == (STORED, STORED)
    text = {"model": "echo-a", "text": MINE}
    pair = client.feedback.log_preference(f"{use_case}-stars", text, text, prompt=MINE, use_case=use_case)  # type: ignore[arg-type]
    logged = client.interactions.get(pair.other_completion_id, use_case=use_case)
    assert (logged.messages[0].content, logged.completion) == (STORED, STORED)
    client.use_cases.update(use_case, redact=[])
    made = client.interactions.create(MINE, prompt=MINE, use_case=use_case)
    assert client.interactions.get(made.completion_id, use_case=use_case).completion == MINE


def test_no_depth_of_metadata_keeps_an_answer_out_of_the_log(client: Tropism, use_case: str) -> None:
    client.use_cases.update(use_case, redact=["email"])
    deep: dict[str, Any] = {"who": MINE}
    for _ in range(700):
        deep = {"in": deep}
    answer = client.chat.create(said(MINE), metadata=deep, use_case=use_case)
    found = client.interactions.get(answer.choices[0].completion_id, use_case=use_case).metadata
    while "in" in found:
        found = found["in"]
    assert found == {"who": STORED}


def test_calls_of_tools_and_names_are_redacted(client: Tropism, use_case: str) -> None:
    client.use_cases.update(use_case, redact=["email"])
    call: Any = {"id": "1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"to": f"\n{MINE}"})}}
    turns: Any = [
        {"role": "user", "content": "q", "name": "a@b.de"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": json.dumps({"from": f"\n{MINE}"}), "tool_call_id": "1"},
    ]
    made = client.interactions.create("", messages=turns, tool_calls=[call], use_case=use_case)
    logged = client.interactions.get(made.completion_id, use_case=use_case)
    assert json.loads(logged.tool_calls[0].function.arguments) == {"to": f"\n{STORED}"}
    assert logged.messages[0].name == "[email]"
    assert (logged.messages[1].tool_calls or [])[0].function == logged.tool_calls[0].function
    assert json.loads(logged.messages[2].text) == {"from": f"\n{STORED}"}


def test_what_is_too_old_goes_by_itself(tmp_path: Path) -> None:
    """At a start, and once a minute from then on."""
    now = datetime.now(UTC)
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("other")
        for use_case in ("default", "other"):
            for days in (40, 20):
                client.interactions.create("a", prompt="q", created_at=now - timedelta(days=days), use_case=use_case)
        client.use_cases.update("default", retention_days=30)
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        assert eventually(lambda: client.interactions.list(use_case="default").total_count == 1)
        assert client.interactions.list(use_case="other").total_count == 2


@pytest.mark.sqlite
def test_a_test_keeps_what_it_counted_under_nobodys_name(client: Tropism, server: RunningServer, use_case: str) -> None:
    test, key = f"{use_case}-t", f"{use_case}-stars"
    client.ab_tests.create(test, key, ["echo-a", "echo-b"], use_case=use_case)
    users = [uuid4() for _ in range(12)]
    for number, user in enumerate(users):
        for _ in range(2):
            answer = client.chat.create(said("hello"), user=user, use_case=use_case).choices[0]
            client.feedback.log_metric(number % 5, answer.completion_id, key, user=user)
    before = client.ab_tests.get(test)
    assert client.interactions.delete(user=users[0], use_case=use_case).deleted == 2
    assert client.ab_tests.get(test) == before, "a deletion sways no decision"
    half = client.interactions.list(filters={"user_id": users[1]}, use_case=use_case).nodes
    client.interactions.delete(completion_ids=[half[0].id], use_case=use_case)
    client.feedback.log_metric(4, half[1].id, key, user=users[1])
    after = client.ab_tests.get(test)
    assert after.report.feedbacks == before.report.feedbacks, "a value that is left can be corrected"
    units = [sum(variant.units for variant in seen.report.variants) for seen in (before, after)]
    assert units == [12, 12]
    counted, rebuilt = sums_of(server, after.id)
    for position, sums in counted.items():
        assert sums == pytest.approx(rebuilt[position])


def sums_of(server: RunningServer, test_id: UUID) -> tuple[dict[int, Any], dict[int, Any]]:
    """Each variant's sums as they were counted, and as its units make them."""
    engine = only_reading(f"sqlite:///{server.data / 'tropism.db'}")
    with engine.connect() as connection:
        variants = connection.execute(select(ab_variant).where(ab_variant.c.ab_test_id == test_id)).all()
        units = connection.execute(select(ab_unit).where(ab_unit.c.ab_test_id == test_id, ab_unit.c.other == -1)).all()
    engine.dispose()
    rebuilt = {
        each.position: Sums.of(Unit(unit.feedbacks, unit.total) for unit in units if unit.position == each.position)
        for each in variants
    }
    return {each.position: list(each.sums) for each in variants}, {at: list(s.row()) for at, s in rebuilt.items()}


def test_a_user_who_only_compared_is_nobody_in_the_test(client: Tropism, server: RunningServer, use_case: str) -> None:
    test, key, judge = f"{use_case}-t", f"{use_case}-thumbs", uuid4()
    models = ["echo-a", "echo-b"]
    client.ab_tests.create(test, key, models, feedback_type="preference", use_case=use_case)
    sides = [
        client.chat.create(said("hello"), model=model, ab_campaign=test, use_case=use_case).choices[0].completion_id
        for model in models
    ]
    client.feedback.log_preference(key, sides[0], sides[1], user=judge, use_case=use_case)
    before = client.ab_tests.get(test)
    assert before.report.feedbacks == 1
    client.interactions.delete(user=judge, use_case=use_case)
    assert client.ab_tests.get(test) == before
    assert client.interactions.get(sides[0], use_case=use_case).comparison_feedbacks[0].user != judge
