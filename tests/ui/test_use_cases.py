"""The pages of use cases: all of them, and one at a glance."""

from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect
from tests.ui.conftest import Opened

from tropism import Tropism


def test_a_use_case_is_created_by_clicks(open_page: Opened, client: Tropism) -> None:
    name = f"Support {uuid4().hex[:8]}"
    page = open_page("/")
    page.get_by_role("button", name="New use case").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    assert client.use_cases.get(name.lower().replace(" ", "-")).name == name
