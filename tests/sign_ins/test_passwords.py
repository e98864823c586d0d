"""Passwords: set by a link, changed by their owner, and nothing is told about those of others."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.conftest import Both
from tests.sign_ins.conftest import PASSWORD, Browser, Person

from tropism import ConflictError, NotFoundError, PermissionDeniedError, Tropism, UnprocessableEntityError
from tropism.testing import RunningServer

NewBrowser = Callable[[], Browser]
NEW = "a quite different one"


def test_a_link_sets_a_password_once(call: Both, browser: Browser, client: Tropism) -> None:
    client.users.create(email := f"{uuid4().hex[:12]}@example.com", "Ada", "default")
    link = call("passwords.make_link", email)
    assert link.path == f"/set-password#token={link.token}"
    assert call("passwords.set", link.token, PASSWORD) == email
    assert browser.sign_in(email).status_code == 201
    with pytest.raises(NotFoundError, match="used"):
        call("passwords.set", link.token, NEW)
    assert browser.sign_in(email, NEW).status_code == 401


def test_a_browser_needs_no_key_for_a_link(browser: Browser, client: Tropism) -> None:
    client.users.create(email := f"{uuid4().hex[:12]}@example.com", "Ada", "default")
    token = client.passwords.make_link(email).token
    answer = browser.post("/api/v1/passwords", json={"token": token, "password": PASSWORD})
    assert (answer.status_code, answer.json()) == (200, {"email": email})
    assert browser.post("/api/v1/passwords", json={"token": "x", "password": PASSWORD}).status_code == 404


def test_a_new_link_ends_the_one_before(client: Tropism, person: Person) -> None:
    first, second = (client.passwords.make_link(person.email).token for _ in range(2))
    with pytest.raises(NotFoundError):
        client.passwords.set(first, NEW)
    client.passwords.set(second, NEW)


def test_a_link_counts_as_long_as_its_maker_is_in_charge(client: Tropism, admin_of: Callable[[str], Tropism]) -> None:
    """Else an admin could wait with it until another team gives the user a role, and take that."""
    (mine, other), email = (client.teams.create(f"t-{uuid4().hex[:12]}").key for _ in range(2)), f"{uuid4().hex}@e.org"
    admin = admin_of(mine)
    admin.users.create(email, "Ada", mine)
    token = admin.passwords.make_link(email).token
    client.users.create(email, "Ada", other, "admin")
    with pytest.raises(NotFoundError, match="ask for a new one"):
        client.passwords.set(token, PASSWORD)
    client.users.remove(email, other)
    client.passwords.set(token, PASSWORD)


def test_a_link_of_somebody_who_was_deactivated_counts_no_more(
    client: Tropism, person: Person, admin_of: Callable[[str], Tropism]
) -> None:
    admin = admin_of("default")
    token = admin.passwords.make_link(person.email).token
    client.users.deactivate(admin.users.me().email)
    with pytest.raises(NotFoundError, match="ask for a new one"):
        client.passwords.set(token, NEW)


def test_a_new_password_ends_sign_ins_and_the_old_password(browser: Browser, client: Tropism, person: Person) -> None:
    browser.sign_in(person.email)
    client.passwords.set(client.passwords.make_link(person.email).token, NEW)
    assert browser.status() == 401
    assert browser.sign_in(person.email).status_code == 401
    assert browser.sign_in(person.email, NEW).status_code == 201


def test_its_owner_changes_it(browser: Browser, new_browser: NewBrowser, person: Person, client: Tropism) -> None:
    other, link = new_browser(), client.passwords.make_link(person.email).token
    for each in (browser, other):
        each.sign_in(person.email)
    path, body = "/api/v1/users/me/password", {"password": "wrong", "new_password": NEW}
    refused = browser.post(path, json=body)
    assert (refused.status_code, refused.json()["param"]) == (403, "password")
    short = browser.post(path, json={"password": PASSWORD, "new_password": "short"})
    assert (short.status_code, short.json()["param"]) == (422, "new_password")
    assert browser.post(path, json={**body, "password": PASSWORD}).status_code == 200
    assert (browser.status(), other.status()) == (200, 401)
    assert other.sign_in(person.email).status_code == 401
    assert other.sign_in(person.email, NEW).status_code == 201
    with pytest.raises(NotFoundError):
        client.passwords.set(link, PASSWORD)


def test_a_change_by_key(call: Both, client: Tropism, browser: Browser) -> None:
    client.passwords.set(client.passwords.make_link("admin@localhost").token, PASSWORD)
    call("passwords.change", PASSWORD, NEW)
    assert browser.sign_in("admin@localhost", NEW).status_code == 201


@pytest.mark.parametrize("password", ["short", "elevenchars", "aaaaaaaaaaaaaaaa", "the-email"])
def test_passwords_that_are_easy_to_guess(client: Tropism, password: str) -> None:
    client.users.create(email := f"{uuid4().hex[:12]}@example.com", "Ada", "default")
    link = client.passwords.make_link(email)
    with pytest.raises(UnprocessableEntityError, match="password"):
        client.passwords.set(link.token, email.upper() if password == "the-email" else password)
    client.passwords.set(link.token, PASSWORD)


def test_letters_count_as_they_look(client: Tropism, browser: Browser, person: Person) -> None:
    client.passwords.set(client.passwords.make_link(person.email).token, "Gru\u0308n ist die Hoffnung")
    assert browser.sign_in(person.email, "Gr\u00fcn ist die Hoffnung").status_code == 201


def test_a_link_is_made_for_active_people_only(client: Tropism, person: Person) -> None:
    client.users.create(robot := f"{uuid4().hex[:12]}@example.com", "Robot", "default", kind="service")
    client.users.deactivate(person.email)
    for email in (robot, person.email):
        with pytest.raises(ConflictError, match="no active person"):
            client.passwords.make_link(email)
    with pytest.raises(NotFoundError):
        client.passwords.make_link("nobody@example.com")


def test_a_link_ends_with_its_user(client: Tropism, person: Person) -> None:
    link = client.passwords.make_link(person.email).token
    client.users.deactivate(person.email)
    client.users.activate(person.email)
    with pytest.raises(NotFoundError):
        client.passwords.set(link, NEW)


def test_a_narrowed_key_gets_at_no_password(client: Tropism, server: RunningServer) -> None:
    made = client.api_keys.create("narrow", permissions=["user:update", "password:update", "user:read"])
    with Tropism(server.base_url, made.key) as narrow:
        with pytest.raises(PermissionDeniedError, match="narrowed"):
            narrow.passwords.make_link("admin@localhost")
        with pytest.raises(PermissionDeniedError, match="narrowed"):
            narrow.passwords.change(PASSWORD, NEW)


def test_who_has_no_password_changes_none(client: Tropism, server: RunningServer) -> None:
    client.users.create(robot := f"{uuid4().hex[:12]}@example.com", "Robot", "default", kind="service")
    key = client.api_keys.create("k", user=robot).key
    with Tropism(server.base_url, key) as own, pytest.raises(ConflictError, match="no password"):
        own.passwords.change(PASSWORD, NEW)


def test_no_answer_tells_who_is_here(client: Tropism, new_browser: NewBrowser, person: Person) -> None:
    client.users.create(without := f"{uuid4().hex[:12]}@example.com", "No password", "default")
    client.users.create(gone := f"{uuid4().hex[:12]}@example.com", "Gone", "default")
    client.passwords.set(client.passwords.make_link(gone).token, PASSWORD)
    client.users.deactivate(gone)
    answers = set()
    for email, password in (
        (person.email, "not the password"),
        (f"{uuid4().hex}@example.com", PASSWORD),
        (without, PASSWORD),
        (gone, PASSWORD),
    ):
        answer = new_browser().sign_in(email, password)
        answers.add((answer.status_code, answer.text, tuple(sorted(set(answer.headers) - {"date"}))))
    assert len(answers) == 1


def test_no_time_tells_who_is_here(new_browser: NewBrowser, person: Person) -> None:
    """A hash takes tens of milliseconds; who is not here would be told in one or two."""
    took: dict[str, list[float]] = {person.email: [], "nobody@example.com": []}
    for _ in range(7):
        for email, times in took.items():
            browser = new_browser()
            began = time.perf_counter()
            assert browser.sign_in(email, "not the password").status_code == 401
            times.append(time.perf_counter() - began)
    here, nowhere = (statistics.median(times) for times in took.values())
    assert 0.5 < here / nowhere < 2
