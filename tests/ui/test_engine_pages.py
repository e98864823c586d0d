"""Reward servers, jobs, compute pools and the audit log in the browser."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.compute_pools.worker import working
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism
from tropism.testing import RunningServer

NOBODY = "http://127.0.0.1:9"


def test_a_reward_server_is_tested_registered_and_forgotten(open_page: Opened, client: Tropism) -> None:
    key = f"polite-{uuid4().hex[:8]}"
    client.teams.create(f"team-{uuid4().hex[:8]}")  # who is in several is asked for one
    page = open_page("/reward_servers")
    page.get_by_role("textbox", name="Address").fill(NOBODY)
    page.get_by_role("textbox", name="Key").fill(key)
    page.get_by_role("combobox", name="Team").click()
    page.get_by_role("option", name="default", exact=True).click()
    page.get_by_role("region", name="Register one").get_by_role("button", name="Test").click()
    expect(page.get_by_text("It cannot be used")).to_be_visible()
    page.get_by_role("button", name="Register").click()
    row = page.get_by_role("article", name=key)
    expect(row).to_contain_text(NOBODY)
    assert serious(page) == []
    row.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(row).to_have_count(0)
    assert key not in [each.key for each in client.reward_servers.list()]


def test_the_audit_log_shows_what_was_done_and_that_its_chain_holds(open_page: Opened, use_case: str) -> None:
    page = open_page("/audit")
    page.get_by_role("button", name="Check the chain").click()
    expect(page.get_by_text("The chain holds up to entry")).to_be_visible()
    page.get_by_role("button", name="More").first.click()
    expect(page.get_by_role("region", name="Request")).to_be_visible()
    assert serious(page) == []


def test_the_pools_show_who_works_there_and_how_to_start_a_worker(open_page: Opened, server: RunningServer) -> None:
    name = f"pool-{uuid4().hex[:8]}"
    page = open_page("/compute_pools")
    with working(server, "--pool", name, "--capabilities", "training"):
        pool = page.get_by_role("article", name=name)
        expect(pool).to_contain_text("training")
        expect(pool.get_by_role("row")).to_have_count(2)  # the head, and the one who works
        expect(pool).to_contain_text("0 jobs at work, 0 waiting")
        assert serious(page) == []
    expect(page.get_by_role("article", name="default")).to_contain_text("echo-a")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["/jobs", "/audit", "/reward_servers", "/compute_pools"])
def test_the_pages_are_readable_by_everybody(open_page: Opened, use_case: str, path: str, size: dict[str, int]) -> None:
    page = open_page(path, size=size)
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
