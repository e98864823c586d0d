"""What every page shares: what is offered to whom, the way around by keyboard, a lost connection, accessibility."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism

PAGES = ("", "/interactions", "/interactions?group=model", "/feedback", "/annotate", "/playground")


def test_what_a_viewer_may_not_do_is_not_offered(
    open_page: Opened, client: Tropism, use_case: str, with_role: Callable[[str], str]
) -> None:
    id = client.chat.create([{"role": "user", "content": "Hi"}], use_case=use_case).choices[0].completion_id
    page = open_page("/", key=with_role("viewer"))
    expect(page.get_by_role("heading", name="Use cases")).to_be_visible()
    expect(page.get_by_role("link", name=use_case)).to_be_visible()
    expect(page.get_by_role("button", name="New use case")).to_have_count(0)
    page.get_by_role("link", name=use_case).click()
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Interactions")).to_be_visible()
    for name in ("Playground", "Annotate"):
        expect(pages.get_by_role("link", name=name)).to_have_count(0)
    pages.get_by_role("link", name="Feedback keys").click()
    expect(page.get_by_text(f"{use_case}-stars").first).to_be_visible()
    for name in ("New feedback key", "Unlink", "Link"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    page.goto(f"/use_cases/{use_case}/interactions?id={id}")
    expect(page.get_by_role("dialog").get_by_text(f"{use_case}-thumbs")).to_be_visible()
    expect(page.get_by_role("button", name=f"{use_case}-thumbs: yes")).to_have_count(0)
    expect(page.get_by_role("link", name="Open in playground")).to_have_count(0)


def test_any_page_is_reached_by_keyboard(open_page: Opened, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}")
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Go to…").fill("Playg")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Playground")).to_be_visible()
    expect(page.get_by_placeholder("Go to…")).to_have_count(0)  # it fades out, and takes keys as long as it is there
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_lost_connection_is_said_and_comes_back(open_page: Opened, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}")
    expect(page.get_by_role("heading", level=1, name=use_case)).to_be_visible()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Interactions").click()
    expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_text("By model").click()
    expect(page.get_by_text("The engine cannot be reached.").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("The engine cannot be reached.")).to_have_count(0)


def test_a_page_that_is_not_there_says_so(open_page: Opened) -> None:
    page = open_page("/nowhere")
    expect(page.get_by_text("Nothing is here")).to_be_visible()
    page.get_by_role("link", name="Show my use cases").click()
    expect(page.get_by_role("heading", level=1, name="Use cases")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(
    open_page: Opened, client: Tropism, use_case: str, scheme: str, size: dict[str, int]
) -> None:
    id = client.chat.create([{"role": "user", "content": "Hi"}], use_case=use_case).choices[0].completion_id
    client.feedback.log_metric(1, id, f"{use_case}-thumbs")
    page = open_page("/", size=size)
    page.evaluate("scheme => localStorage.setItem('mantine-color-scheme-value', scheme)", scheme)
    found = {}
    for path in (
        "/",
        *(f"/use_cases/{use_case}{each}" for each in PAGES),
        f"/use_cases/{use_case}/interactions?id={id}",
    ):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        problems = serious(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append("wider than the screen")
        if problems:
            found[path] = problems
    assert not found
