"""Feedback keys: registered, linked and unlinked by clicks."""

from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect
from tests.ui.conftest import Opened

from tropism import Tropism


def test_a_key_is_registered_and_linked(open_page: Opened, client: Tropism, use_case: str) -> None:
    name = f"Helpful {uuid4().hex[:8]}"
    page = open_page(f"/use_cases/{use_case}/feedback")
    page.get_by_role("button", name="New feedback key").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Register and link").click()
    expect(page.get_by_text(name, exact=True)).to_be_visible()
    keys = {each.key: each.kind for each in client.use_cases.get(use_case).feedback_keys}
    assert keys[name.lower().replace(" ", "-")] == "bool"


def test_a_key_that_is_taken_says_so_in_the_form(open_page: Opened, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/feedback")
    page.get_by_role("button", name="New feedback key").click()
    page.get_by_label("Name").fill("Again")
    page.get_by_label("Key", exact=True).fill(f"{use_case}-stars")
    page.get_by_role("button", name="Register and link").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(f"{use_case}-stars")


def test_a_key_is_unlinked_after_a_question(open_page: Opened, client: Tropism, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/feedback")
    page.get_by_role("button", name="Unlink").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    expect(page.get_by_text("Unlinked.")).to_be_visible()
    assert len(client.use_cases.get(use_case).feedback_keys) == 1
