"""Signing in and out."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.ui.axe import serious
from tests.ui.conftest import Opened

from tropism.testing import RunningServer


def test_who_is_not_signed_in_signs_in_and_goes_on(open_page: Opened, server: RunningServer, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}", key=None)
    expect(page).to_have_title("Sign in · Tropism")
    page.get_by_label("Api key").fill(server.api_key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    assert page.url == f"{server.base_url}/use_cases/{use_case}"


def test_a_wrong_key_is_refused_with_the_engines_words(open_page: Opened) -> None:
    page = open_page("/sign-in", key=None)
    page.get_by_label("Api key").fill("tk_nobody")
    page.get_by_role("button", name="Sign in").click()
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
    page.get_by_label("Api key").fill(server.api_key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Use cases")).to_be_visible()
    assert page.url == f"{server.base_url}/"
