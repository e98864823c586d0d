"""A real browser on a real engine: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tropism import Tropism
from tropism.testing import RunningServer

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

expect.set_options(timeout=60_000)  # machines that build and test at once are slow

Opened = Callable[..., Page]
"""`open_page(path, key=…, size=…, at=…)`: a page of a fresh browser profile, signed in with that key (the admin's)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens pages has a run of its own, `make test-ui`."""
    for item in items:
        if isinstance(item, pytest.Function) and "open_page" in item.fixturenames:
            item.add_marker("browser")


def chromium() -> str:
    """Where the browser is: `TROPISM_CHROMIUM`, or the one that is installed."""
    named = os.environ.get("TROPISM_CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail("no Chromium here: `make browser` installs it (as root), or name one in TROPISM_CHROMIUM")
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for this folder, and no longer: its loop runs in the way of tests that have one of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS, headless=True)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, server: RunningServer) -> Iterator[Opened]:
    """Opens pages; at the end, none may have thrown an error or been refused something by its own policy."""
    broken: list[str] = []

    with ExitStack() as stack:

        def opened(
            path: str, *, key: str | None = server.api_key, size: dict[str, int] = DESK, at: str = server.base_url
        ) -> Page:
            context = stack.enter_context(browser.new_context(viewport=size, base_url=at))  # type: ignore[arg-type]
            context.set_default_timeout(60_000)
            page = context.new_page()
            page.on("pageerror", lambda error: broken.append(f"{page.url}: {error}"))
            page.on("console", lambda said: _listen(said.type, said.text, broken))
            page.goto("/sign-in")
            if key is not None:
                page.evaluate("key => sessionStorage.setItem('tropism.key', key)", key)
            page.goto(path)
            return page

        yield opened
    assert not broken, "the browser's console holds errors"


def fits(page: Page) -> bool:
    """Whether nothing is wider than the screen, once what moves after a change of its size has come to rest."""
    for _ in range(20):
        if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            return True
        page.wait_for_timeout(250)
    return False


def _listen(kind: str, text: str, broken: list[str]) -> None:
    # A refused call is no error of the page: tests provoke them.
    if kind == "error" and "Failed to load resource" not in text:
        broken.append(text)


@pytest.fixture
def with_role(client: Tropism) -> Callable[[str], str]:
    """`with_role("viewer")`: the key of a new service account with this role in the team `default`."""

    def make(role: str) -> str:
        email = f"{uuid4().hex}@example.com"
        client.users.create(email, f"A {role}", "default", role, kind="service")
        return client.api_keys.create("a key", user=email).key

    return make
