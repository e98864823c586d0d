"""What an admin is offered on each page, a viewer is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import Opened

OFFERED = {
    "/": ["New use case"],
    "/use_cases/{}/feedback": ["New feedback key", "Unlink"],
    "/use_cases/{}/ab_tests": ["New A/B test"],
    "/use_cases/{}/evaluations": ["New evaluation"],
    "/use_cases/{}/datasets": ["Upload a file", "Make from interactions"],
    "/use_cases/{}/training": ["New training"],
    "/models": ["Add a model"],
    "/models/echo-a": ["Make a variant", "Stop it", "Detach", "Keep"],
    "/reward_servers": ["Register"],
    "/admin/users": ["New user"],
    "/admin/teams": ["Create"],
    "/admin/roles": ["Create"],
}


def offered(page: Page, names: list[str]) -> set[str]:
    """Those of the buttons and links that the page shows, once it has loaded."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    shown = page.get_by_role("button").or_(page.get_by_role("link"))
    return {name for name in names if shown.filter(has_text=name).count()}


@pytest.mark.parametrize("path", OFFERED)
def test_a_viewer_is_offered_no_change(
    open_page: Opened, use_case: str, with_role: Callable[[str], str], path: str
) -> None:
    where, names = path.format(use_case), OFFERED[path]
    assert offered(open_page(where), names) == {*names}
    assert offered(open_page(where, key=with_role("viewer")), names) == set()
