"""Sign-ins: begun with a password, as good as the user's keys, listed, and ended at once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.conftest import Both
from tests.sign_ins.conftest import PASSWORD, Browser, Person

from tropism import NotFoundError, PermissionDeniedError, Tropism
from tropism.testing import RunningServer, run_server

NewBrowser = Callable[[], Browser]
ME = "/api/v1/users/me"


def test_who_signs_in_is_the_same_as_their_key(browser: Browser, person: Person) -> None:
    answer = browser.sign_in(person.email)
    assert answer.status_code == 201
    assert answer.json()["is_current"] is True
    assert browser.get(ME).json()["email"] == person.email
    key = browser.post("/api/v1/api_keys", json={"name": "mine"}).json()["key"]
    with Tropism(str(browser.base_url), key) as client:
        assert client.users.me().email == person.email


def test_an_email_is_read_in_any_case(browser: Browser, person: Person) -> None:
    assert browser.sign_in(person.email.upper()).status_code == 201


def test_a_sign_in_has_the_permissions_of_its_user(browser: Browser, person: Person, client: Tropism) -> None:
    browser.sign_in(person.email)
    made = {"email": f"{uuid4().hex}@example.com", "name": "Eve"}
    assert browser.post("/api/v1/users", json=made).status_code == 403
    client.users.update(person.email, "default", "admin")
    assert browser.post("/api/v1/users", json={**made, "team": "default"}).status_code == 201
    client.users.update(person.email, "default", "viewer")
    assert browser.post("/api/v1/use_cases", json={"key": f"case-{uuid4().hex[:8]}"}).status_code == 403


def test_sign_ins_are_listed_and_ended(browser: Browser, new_browser: NewBrowser, person: Person) -> None:
    other = new_browser()
    for each in (browser, other):
        each.sign_in(person.email)
    listed = browser.get("/api/v1/sign_ins").json()["sign_ins"]
    assert [(each["is_current"], each["way"], each["agent"]) for each in listed] == [
        (False, "password", "Tests/1"),
        (True, "password", "Tests/1"),
    ]
    assert listed[0]["address"] == other.headers["X-Forwarded-For"]
    assert browser.delete(f"/api/v1/sign_ins/{listed[0]['id']}").status_code == 200
    assert (browser.status(), other.status()) == (200, 401)


def test_signing_out_ends_it_and_drops_the_cookie(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email)
    kept = browser.cookies["tropism_session"]
    assert browser.post("/api/v1/sign_out", json={}).status_code == 200
    assert "tropism_session" not in browser.cookies
    browser.cookies.set("tropism_session", kept)
    assert browser.status() == 401
    assert browser.post("/api/v1/sign_out", json={}).status_code == 200


def test_signing_out_everywhere(browser: Browser, new_browser: NewBrowser, person: Person) -> None:
    others = [new_browser(), new_browser()]
    for each in (browser, *others):
        each.sign_in(person.email)
    assert browser.post("/api/v1/sign_out", json={"everywhere": True}).status_code == 200
    assert {each.status() for each in others} == {401}


def test_a_key_ends_the_sign_ins_of_its_user(call: Both, new_browser: NewBrowser, person: Person) -> None:
    browsers = [new_browser(), new_browser()]
    for each in browsers:
        each.sign_in(person.email)
    newest = call("sign_ins.list", person.email)[0]
    call("sign_ins.end", newest.id)
    assert [each.status() for each in browsers] == [200, 401]
    with pytest.raises(NotFoundError, match=r"sign_ins\.list"):
        call("sign_ins.end", newest.id)
    assert call("sign_ins.end_all", person.email) == 1
    assert [each.status() for each in browsers] == [401, 401]


def test_another_users_sign_in_is_not_there(
    browser: Browser, new_browser: NewBrowser, person: Person, client: Tropism
) -> None:
    client.users.create(eve := f"{uuid4().hex[:12]}@example.com", "Eve", "default", "developer")
    client.passwords.set(client.passwords.make_link(eve).token, PASSWORD)
    theirs, mine = new_browser(), browser
    id = theirs.sign_in(person.email).json()["id"]
    mine.sign_in(eve)
    assert mine.delete(f"/api/v1/sign_ins/{id}").status_code == 404
    assert [each["user"] for each in mine.get("/api/v1/sign_ins").json()["sign_ins"]] == [eve]
    assert mine.get(f"/api/v1/sign_ins?user={person.email}").status_code == 403
    assert mine.delete(f"/api/v1/sign_ins?user={person.email}").status_code == 403
    assert theirs.status() == 200


def test_a_deactivated_user_is_out_at_once(
    call: Both, browser: Browser, new_browser: NewBrowser, person: Person
) -> None:
    browser.sign_in(person.email)
    key = browser.post("/api/v1/api_keys", json={"name": "mine"}).json()["key"]
    assert call("users.deactivate", person.email).active is False
    anyone = new_browser()
    assert browser.status() == 401
    assert anyone.get(ME, headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert anyone.sign_in(person.email).status_code == 401
    assert call("users.activate", person.email).active is True
    assert browser.status() == 401, "it has ended, and not only paused"
    assert anyone.get(ME, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert anyone.sign_in(person.email).status_code == 201


def test_the_last_in_charge_stays_active(client: Tropism) -> None:
    with pytest.raises(Exception, match="last who may give roles"):
        client.users.deactivate("admin@localhost")


def test_nobody_deactivates_who_may_more(client: Tropism, server: RunningServer) -> None:
    client.roles.create(clerks := f"clerks-{uuid4().hex[:8]}", ["user:create", "user:update", "user:read"])
    client.users.create(clerk := f"{uuid4().hex[:12]}@example.com", "Clerk", "default", clerks, kind="service")
    with Tropism(server.base_url, client.api_keys.create("a key", user=clerk).key) as limited:
        for attempt in (limited.users.deactivate, limited.users.activate, limited.passwords.make_link):
            with pytest.raises(PermissionDeniedError, match="may do things"):
                attempt("admin@localhost")
    assert client.users.me().active


def test_leaving_the_team_leaves_nothing_to_see(browser: Browser, person: Person, client: Tropism) -> None:
    browser.sign_in(person.email)
    client.users.remove(person.email, "default")
    assert browser.status() == 403
    assert browser.post("/api/v1/sign_out", json={}).status_code == 200
    assert browser.status() == 401


def test_what_was_answered_to_one_is_not_answered_to_another(
    browser: Browser, new_browser: NewBrowser, person: Person, client: Tropism
) -> None:
    """The same idempotency key in two sign-ins is two keys, although neither has an api key."""
    client.users.update(person.email, "default", "maintainer")
    other, body, key = new_browser(), {"key": f"case-{uuid4().hex[:8]}"}, {"Idempotency-Key": uuid4().hex}
    for each in (browser, other):
        each.sign_in(person.email)
    answers = [each.post("/api/v1/use_cases", json=body, headers=key) for each in (browser, browser, other)]
    assert [each.status_code for each in answers] == [201, 201, 409]
    assert answers[0].json() == answers[1].json()


def age(database: Path, column: str, hours: float) -> None:
    """Let the sign-ins of a stopped server be as old as that."""
    ms = int((datetime.now(UTC) - timedelta(hours=hours)).timestamp() * 1000)
    with sqlite3.connect(database) as connection:
        assert connection.execute(f"update sign_in set {column} = ?", (ms,)).rowcount
    connection.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("column", "hours", "status"),
    [("last_seen_ms", 11.9, 200), ("last_seen_ms", 12.1, 401), ("expires_ms", 0.0, 401)],
)
def test_a_sign_in_ends_when_it_is_not_used_and_in_any_case(
    tmp_path: Path, column: str, hours: float, status: int
) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.passwords.set(client.passwords.make_link("admin@localhost").token, PASSWORD)
        with Browser(server.base_url, "198.18.0.1") as browser:
            browser.sign_in("admin@localhost")
            token = browser.cookies["tropism_session"]
    age(tmp_path / "tropism.db", column, hours)
    with run_server(data=tmp_path) as server, Browser(server.base_url, "198.18.0.1") as browser:
        browser.cookies.set("tropism_session", token)
        assert browser.status() == status


def test_use_keeps_it_alive(tmp_path: Path) -> None:
    """What was seen in memory is written down when the server stops."""
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.passwords.set(client.passwords.make_link("admin@localhost").token, PASSWORD)
        with Browser(server.base_url, "198.18.0.1") as browser:
            began = browser.sign_in("admin@localhost").json()["last_seen_at"]
            time.sleep(0.01)
            assert browser.status() == 200
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        assert client.sign_ins.list()[0].last_seen_at > datetime.fromisoformat(began)


def test_each_step_is_in_the_audit_log(browser: Browser, person: Person, client: Tropism) -> None:
    browser.sign_in(person.email, "not the password")
    browser.sign_in(person.email)
    changed = {"password": PASSWORD, "new_password": "another horse battery"}
    assert browser.post("/api/v1/users/me/password", json=changed).status_code == 200
    browser.post("/api/v1/sign_out", json={})
    entries = client.audit.list(person.email)
    assert [(each.action, each.api_key) for each in reversed(entries)] == [
        ("post_api_v1_passwords", None),
        ("sign_in_failed", None),
        ("post_api_v1_sign_ins", None),
        ("post_api_v1_users_me_password", "signed in"),
        ("post_api_v1_sign_out", "signed in"),
    ]
    assert {each.address for each in entries[:-1]} == {browser.headers["X-Forwarded-For"]}
    assert client.audit.verify().holds


@pytest.mark.sqlite
def test_neither_token_nor_password_is_in_the_database(tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        link = client.passwords.make_link("admin@localhost").token
        client.passwords.set(link, PASSWORD)
        unused = client.passwords.make_link("admin@localhost").token
        with Browser(server.base_url, "198.18.0.1") as browser:
            browser.sign_in("admin@localhost")
            token = browser.cookies["tropism_session"]
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*.db*"))
    assert b"admin@localhost" in stored
    for secret in (link, unused, token, PASSWORD, "$argon2"):
        assert secret.encode() not in stored


def test_unknown_tokens_are_nobodys(browser: Browser, server: RunningServer) -> None:
    for token in ("", "x", server.api_key, "é" * 100, str(UUID(int=0)), "x" * 5000):
        answer = browser.get(ME, headers={b"Cookie": f"tropism_session={token}".encode()})
        assert answer.status_code == 401
