"""Signing in with an identity provider, in a browser, with a real provider on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.sign_ins.provider import CLIENT_ID, CLIENT_SECRET, Provider, run_provider
from tests.ui.axe import serious
from tests.ui.conftest import Opened
from tests.ui.test_sign_in import PASSWORD, fill

from tropism import Tropism
from tropism.testing import RunningServer, run_server


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with run_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(running: Provider) -> Iterator[RunningServer]:
    said = {"ISSUER": running.url, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "NAME": "Acme"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**said, "ROLES": "ml=default:developer"}.items():
            patch.setenv(f"TROPISM_OIDC_{name}", value)
        with run_server(echo_models=("echo-a", "echo-b")) as engine:
            running.client.redirect_uris = (f"{engine.base_url}/api/v1/sign_ins/oidc/callback",)
            yield engine


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    """The provider with somebody new at it."""
    sub = uuid4().hex
    running.user = {"sub": sub, "email": f"{sub[:12]}@acme.example", "email_verified": True, "name": "Ada"}
    running.user["groups"] = ["ml"]
    yield running
    running.denies = False


def test_the_button_leads_to_the_provider_and_back(
    open_page: Opened, server: RunningServer, provider: Provider, use_case: str
) -> None:
    page = open_page(f"/use_cases/{use_case}", key=None)
    page.get_by_role("link", name="Sign in with Acme").click()
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    assert page.url == f"{server.base_url}/use_cases/{use_case}"
    page.get_by_role("link", name="Ada", exact=True).click()
    expect(page.get_by_text("identity provider")).to_be_visible()
    assert [cookie["sameSite"] for cookie in page.context.cookies()] == ["Strict"]
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_title("Sign in · Tropism")


def test_who_may_not_in_reads_why(open_page: Opened, provider: Provider) -> None:
    page = open_page("/sign-in", key=None)
    provider.denies = True
    page.get_by_role("link", name="Sign in with Acme").click()
    expect(page.get_by_text("It was cancelled, or Acme refused.")).to_be_visible()
    provider.denies, provider.user["groups"] = False, []
    page.get_by_role("link", name="Sign in with Acme").click()
    expect(page.get_by_text("You are in no group that has a role here.")).to_be_visible()
    assert serious(page) == []


def test_an_account_with_a_password_is_linked_by_its_owner(
    open_page: Opened, client: Tropism, provider: Provider
) -> None:
    email = provider.user["email"]
    client.users.create(email, "Ada", "default", "viewer")
    client.passwords.set(client.passwords.make_link(email).token, PASSWORD)
    page = open_page("/account", key=None)
    page.get_by_role("link", name="Sign in with Acme").click()
    expect(page.get_by_text("There is an account with your email already.")).to_be_visible()
    fill(page, email)
    page.get_by_role("link", name="Ada", exact=True).click()
    page.get_by_role("link", name="Sign in with Acme").click()
    expect(page.get_by_text("developer in default")).to_be_visible()
