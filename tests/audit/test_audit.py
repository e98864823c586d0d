"""Every change leaves an entry, no secret does, and a log that somebody meddled with says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.conftest import Both

from tropism import ConflictError, PermissionDeniedError, Tropism
from tropism.testing import RunningServer, run_server


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server apart: what others change at the same time is not entered here."""
    with run_server() as running:
        yield running


def test_a_change_is_entered_with_who_what_and_where(call: Both) -> None:
    key = f"case-{uuid4().hex[:12]}"
    call("use_cases.create", key, description="why not")
    entry = call("audit.list", limit=1)[0]
    assert (entry.user, entry.action, entry.path) == (
        "admin@localhost",
        "post_api_v1_use_cases",
        "/api/v1/use_cases",
    )
    assert (entry.request["key"], entry.request["description"]) == (key, "why not")
    assert entry.address == "127.0.0.1"
    assert entry.api_key is not None
    assert call("audit.verify").holds


def test_what_fails_reads_or_logs_is_not_entered(client: Tropism) -> None:
    client.use_cases.create(key := f"case-{uuid4().hex[:12]}")
    client.feedback.register_key(stars := f"{key}-stars")
    client.feedback.link(stars, use_case=key)
    last = client.audit.list(limit=1)[0].number
    with pytest.raises(ConflictError):
        client.use_cases.create(key)
    client.use_cases.get(key)
    id = client.interactions.create("A", prompt="Q", use_case=key).completion_id
    client.feedback.log_metric(1, id, stars)
    assert client.audit.list(limit=1)[0].number == last


def test_it_is_filtered_and_paged(call: Both) -> None:
    for _ in range(3):
        call("use_cases.create", f"case-{uuid4().hex[:12]}")
    call("feedback.register_key", f"key-{uuid4().hex[:12]}")
    made = call("audit.list", "admin@localhost", "post_api_v1_use_cases", limit=2)
    assert {entry.action for entry in made} == {"post_api_v1_use_cases"}
    assert made[0].number > made[1].number
    assert all(entry.number < made[1].number for entry in call("audit.list", before=made[1].number))
    assert call("audit.list", "nobody@localhost") == []


def test_no_secret_is_entered(client: Tropism) -> None:
    secret = f"sk-{uuid4().hex}"
    client.models.add_external("A", "a", secret, "custom", "http://127.0.0.1:9/v1", f"model-{uuid4().hex[:8]}")
    made = client.api_keys.create("another")
    entries = client.audit.list(limit=10)
    assert secret not in str(entries)
    assert made.key not in str(entries)
    assert any(entry.request.get("api_key") == "(secret)" for entry in entries)


def test_what_a_team_mate_does_for_another_team_is_not_shown(client: Tropism, server: RunningServer) -> None:
    mine, theirs = (client.teams.create(f"team-{uuid4().hex[:12]}").key for _ in range(2))
    client.users.create(email := f"{uuid4().hex}@example.com", "A", mine, "admin", kind="service")
    with Tropism(server.base_url, client.api_keys.create("a", user=email).key) as auditor:
        for team in (mine, theirs):
            client.use_cases.create(f"case-{team}", team=team, description=f"secret of {team}")
            client.use_cases.update(f"case-{team}", description=f"another of {team}")
            client.users.create(f"{uuid4().hex}@example.com", "Ada", team)
            client.interactions.create("A", prompt="Q", use_case=f"case-{team}")
        seen = auditor.audit.list()
        assert theirs not in str(seen)
        assert [each.action for each in seen if mine in str(each)] == [
            "post_api_v1_users",
            "patch_api_v1_use_cases_use_case",
            "post_api_v1_use_cases",
            "post_api_v1_users",
            "post_api_v1_teams",
        ]
        assert auditor.audit.verify().holds
    assert theirs in str(client.audit.list())


def test_what_is_done_to_users_is_shown_to_their_team_alone(client: Tropism, server: RunningServer) -> None:
    mine, theirs = (client.teams.create(f"team-{uuid4().hex[:12]}").key for _ in range(2))
    for team in (mine, theirs):
        client.users.create(f"auditor@{team}.example", "A", team, "admin", kind="service")
        client.users.create(f"person@{team}.example", "A", team)
        client.passwords.make_link(f"person@{team}.example")
        client.users.deactivate(f"person@{team}.example")
        client.users.activate(f"person@{team}.example")
        client.sign_ins.end_all(f"person@{team}.example")
        client.limits.set("requests", 5, "day", user=f"person@{team}.example")
    keys = {team: client.api_keys.create("a", user=f"auditor@{team}.example").key for team in (mine, theirs)}
    with Tropism(server.base_url, keys[mine]) as auditor:
        seen = auditor.audit.list(limit=1000)
    assert theirs not in str(seen)
    assert len([each for each in seen if f"@{mine}.example" in str(each)]) == 8


def test_who_is_taken_into_a_team_brings_nothing_along(client: Tropism, server: RunningServer) -> None:
    theirs, mine = (client.teams.create(f"team-{uuid4().hex[:12]}").key for _ in range(2))
    client.users.create(email := f"person@{theirs}.example", "A", theirs, "admin", kind="service")
    with Tropism(server.base_url, client.api_keys.create("a", user=email).key) as person:
        person.api_keys.create("their own")
    client.users.create(auditor := f"auditor@{mine}.example", "A", mine, "admin", kind="service")
    with Tropism(server.base_url, client.api_keys.create("a", user=auditor).key) as taker:
        taker.users.create(email, "A", mine, "viewer", kind="service")
        assert [each.action for each in taker.audit.list(email)] == []
    assert [each.action for each in client.audit.list(email)] == ["post_api_v1_api_keys"]


def test_only_those_in_charge_read_it(client: Tropism, server: RunningServer) -> None:
    client.users.create("m@example.com", "M", "default", "maintainer", kind="service")
    key = client.api_keys.create("m", user="m@example.com").key
    with Tropism(server.base_url, key) as maintainer, pytest.raises(PermissionDeniedError):
        maintainer.audit.list()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("meddling", "broken_at"),
    [
        ("update audit set path = '/elsewhere' where number = 3", 3),
        ("update audit set at_ms = at_ms - 1 where number = 1", 1),
        ("delete from audit where number = 3", 4),
        ("update audit set digest = (select digest from audit where number = 2) where number = 3", 3),
        ("update audit set request = (select request from audit where number = 5) where number = 2", 2),
    ],
)
def test_meddling_is_seen(tmp_path: Path, meddling: str, broken_at: int) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        for number in range(5):
            client.use_cases.create(f"case-{number}")
        assert client.audit.verify().holds
    connection = sqlite3.connect(tmp_path / "tropism.db")
    connection.execute(meddling)
    connection.commit()
    connection.close()
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        verdict = client.audit.verify()
    assert not verdict.holds
    assert verdict.broken_at == broken_at
