"""Signing in and out, with a password and with a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism
from tropism.testing import RunningServer

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Person:
    """Somebody in the team `default` who has a password."""

    email: str


@pytest.fixture
def person(client: Tropism) -> Person:
    email = f"{uuid4().hex[:12]}@example.com"
    client.users.create(email, "Ada", "default", "developer")
    client.passwords.set(client.passwords.make_link(email).token, PASSWORD)
    return Person(email)


def fill(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label(re.compile("^Password")).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def with_key(page: Page, key: str) -> None:
    page.get_by_text("With an api key").click()
    page.get_by_label(re.compile("^Api key")).fill(key)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_who_has_a_password_signs_in_and_goes_on(
    open_page: Opened, server: RunningServer, use_case: str, person: Person
) -> None:
    page = open_page(f"/use_cases/{use_case}", key=None)
    expect(page).to_have_title("Sign in · Tropism")
    fill(page, person.email)
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    assert page.url == f"{server.base_url}/use_cases/{use_case}"
    assert page.evaluate("document.cookie + (sessionStorage.getItem('tropism.key') ?? '')") == ""
    page.reload()
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    expect(page.get_by_text(person.email)).to_be_visible()


def test_a_wrong_password_is_refused_with_the_engines_words(open_page: Opened, person: Person) -> None:
    page = open_page("/sign-in", key=None)
    fill(page, person.email, "something else entirely")
    expect(page.get_by_text("wrong email or password")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(person.email)
    assert serious(page) == []
    fill(page, person.email)
    expect(page.get_by_role("heading", level=1, name="Use cases")).to_be_visible()


def test_what_is_changed_with_a_cookie_comes_from_a_page_of_ours(
    open_page: Opened, client: Tropism, person: Person
) -> None:
    client.users.update(person.email, "default", "maintainer")
    page = open_page("/sign-in", key=None)
    fill(page, person.email)
    page.get_by_role("button", name="New use case").click()
    page.get_by_role("textbox", name="Name").fill(name := f"Case {uuid4().hex[:8]}")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()


def test_signing_out_ends_the_sign_in(open_page: Opened, person: Person) -> None:
    page = open_page("/sign-in", key=None)
    fill(page, person.email)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · Tropism")
    assert page.context.cookies() == []
    page.goto("/")
    expect(page).to_have_title("Sign in · Tropism")


def test_a_link_sets_a_password_and_signs_in(open_page: Opened, client: Tropism) -> None:
    client.users.create(email := f"{uuid4().hex[:12]}@example.com", "Ada", "default", "developer")
    path = client.passwords.make_link(email).path
    page = open_page(path, key=None)
    expect(page).to_have_title("Choose your password · Tropism")
    page.get_by_label("New password").fill("too short")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("a password has at least 12 characters")).to_be_visible()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text(email)).to_be_visible()
    used = open_page(path, key=None)
    used.get_by_label("New password").fill(PASSWORD)
    used.get_by_role("button", name="Set the password").click()
    expect(used.get_by_text("this link is unknown, used or too old")).to_be_visible()
    assert serious(used) == []


def test_an_admin_makes_a_link_and_lets_somebody_in_no_more(
    open_page: Opened, client: Tropism, person: Person, server: RunningServer
) -> None:
    page = open_page("/admin/users")
    row = page.get_by_role("article", name=person.email)
    row.get_by_role("button", name="Password link").click()
    link = page.get_by_role("region", name="The link").inner_text().strip()
    assert link.startswith(f"{server.base_url}/set-password#token=")
    page.get_by_role("button", name="I have copied it").click()
    guest = open_page(link.removeprefix(server.base_url), key=None)
    guest.get_by_label("New password").fill("a quite different one")
    guest.get_by_role("button", name="Set the password").click()
    expect(guest.get_by_text(person.email)).to_be_visible()
    row.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(row.get_by_text("deactivated")).to_be_visible()
    assert serious(page) == []
    guest.reload()
    expect(guest).to_have_title("Sign in · Tropism")
    row.get_by_role("button", name="Activate").click()
    expect(row.get_by_role("button", name="Deactivate")).to_be_visible()


def test_a_link_without_its_token_says_so(open_page: Opened) -> None:
    page = open_page("/set-password", key=None)
    expect(page.get_by_role("heading", name="This link is not whole")).to_be_visible()


def test_other_browsers_are_listed_and_signed_out(open_page: Opened, person: Person) -> None:
    here, there, far = (open_page("/sign-in", key=None) for _ in range(3))
    for each in (far, there, here):
        fill(each, person.email)
        expect(each.get_by_role("heading", level=1, name="Use cases")).to_be_visible()
    here.get_by_role("link", name="Ada", exact=True).click()
    rows = here.get_by_role("article", name="Chrome on Linux")
    expect(rows).to_have_count(3)
    expect(rows.first.get_by_text("this browser")).to_be_visible()
    rows.nth(1).get_by_role("button", name="Sign out").click()
    expect(rows).to_have_count(2)
    there.reload()
    expect(there).to_have_title("Sign in · Tropism")
    here.get_by_role("button", name="Sign out everywhere").click()
    here.get_by_role("dialog").get_by_role("button", name="Sign out everywhere").click()
    for each in (here, far):
        each.goto("/")
        expect(each).to_have_title("Sign in · Tropism")


def test_a_password_is_changed(open_page: Opened, person: Person) -> None:
    page = open_page("/account", key=None)
    fill(page, person.email)
    page.get_by_label("Present password").fill("not that one at all")
    page.get_by_label("New password").fill("a quite different one")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("this is not your present password")).to_be_visible()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("a password has at least 12 characters")).to_be_visible()
    page.get_by_label("New password").fill("a quite different one")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed.")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    fill(page, person.email, "a quite different one")
    expect(page.get_by_role("heading", level=1, name="Your account")).to_be_visible()


def test_who_has_a_key_signs_in_and_goes_on(open_page: Opened, server: RunningServer, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}", key=None)
    with_key(page, server.api_key)
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    assert page.url == f"{server.base_url}/use_cases/{use_case}"


def test_a_wrong_key_is_refused_with_the_engines_words(open_page: Opened) -> None:
    page = open_page("/sign-in", key=None)
    with_key(page, "tk_nobody")
    expect(page.get_by_text("this api key is not known here")).to_be_visible()
    assert serious(page) == []


def test_signing_out_forgets_the_key(open_page: Opened) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · Tropism")
    assert page.evaluate("sessionStorage.getItem('tropism.key')") is None
    page.goto("/")
    expect(page).to_have_title("Sign in · Tropism")


def test_nobody_is_led_elsewhere_after_signing_in(open_page: Opened, server: RunningServer) -> None:
    page = open_page("/sign-in?next=//example.com/", key=None)
    with_key(page, server.api_key)
    expect(page.get_by_role("heading", level=1, name="Use cases")).to_be_visible()
    assert page.url == f"{server.base_url}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_are_readable_by_everybody(
    open_page: Opened, client: Tropism, person: Person, scheme: str, size: dict[str, int]
) -> None:
    page = open_page("/sign-in?error=no_role", key=None, size=size)
    page.evaluate("scheme => localStorage.setItem('mantine-color-scheme-value', scheme)", scheme)
    link = client.passwords.make_link(person.email).path
    found = {}
    for path in ("/sign-in?error=no_role", link, "/account"):
        page.goto(path)
        if path == "/account":
            fill(page, person.email)
            expect(page.get_by_text("this browser")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        problems = serious(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append("wider than the screen")
        if problems:
            found[path] = problems
    assert not found
