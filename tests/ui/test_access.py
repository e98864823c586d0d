"""Teams, users, roles and api keys in the browser."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism
from tropism.testing import RunningServer


def test_a_key_is_shown_once_works_and_is_revoked(open_page: Opened, client: Tropism, server: RunningServer) -> None:
    name = f"key {uuid4().hex[:8]}"
    page = open_page("/admin/api_keys")
    page.get_by_role("button", name="New api key").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill(name)
    form.get_by_role("button", name="Create").click()
    secret = page.get_by_role("region", name="The new key").inner_text().strip()
    with Tropism(server.base_url, secret) as made:
        assert made.users.me().email == client.users.me().email
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)  # it fades out
    expect(page.get_by_role("article", name=name)).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("article", name=name).get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("article", name=name)).to_have_count(0)
    assert name not in [each.name for each in client.api_keys.list()]


def test_a_user_is_made_and_gets_another_role(open_page: Opened, client: Tropism) -> None:
    email = f"{uuid4().hex[:8]}@example.com"
    page = open_page("/admin/users")
    page.get_by_role("button", name="New user").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill("Ada")
    form.get_by_role("textbox", name="Email").fill(email)
    form.get_by_role("button", name="Create").click()
    row = page.get_by_role("article", name=email)
    row.get_by_role("combobox", name="Role of Ada in default").click()
    page.get_by_role("option", name="Annotator").click()
    expect(page.get_by_text("Ada has another role in default.")).to_be_visible()
    (made,) = [user for user in client.users.list() if user.email == email]
    assert [each.role for each in made.teams] == ["annotator"]


def test_a_team_and_a_role_are_made(open_page: Opened, client: Tropism) -> None:
    name = f"Team {uuid4().hex[:8]}"
    page = open_page("/admin/teams")
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("link", name="Roles").click()
    expect(page.get_by_role("heading", level=1, name="Roles")).to_be_visible()  # both pages have such a field
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("combobox", name="Permissions").fill("chat:create")
    page.get_by_role("option", name="chat:create").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    (role,) = [each for each in client.roles.list() if each.name == name]
    assert role.permissions == ["chat:create"]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["users", "teams", "roles", "api_keys"])
def test_the_pages_are_readable_by_everybody(open_page: Opened, path: str, size: dict[str, int]) -> None:
    page = open_page(f"/admin/{path}", size=size)
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_may_only_read_is_offered_no_change(open_page: Opened, with_role: Callable[[str], str]) -> None:
    page = open_page("/admin/users", key=with_role("viewer"))
    expect(page.get_by_role("heading", level=1, name="Users")).to_be_visible()
    expect(page.get_by_role("button", name="New user")).to_have_count(0)
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
