"""Evaluations in the browser: begun, watched, and each verdict read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.chat.upstream import Upstream, run_upstream
from tests.evaluation.judge import PATIENCE, RuleJudge
from tests.ui.axe import serious
from tests.ui.conftest import PHONE, Opened, fits

from tropism import Tropism


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


def test_answers_are_judged_and_every_verdict_has_its_reason(
    open_page: Opened, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    judge = RuleJudge(upstream).attach(client, use_case)
    for number in range(3):
        question = f"Where is parcel {number} now"
        client.chat.create([{"role": "user", "content": question}], model="echo-a", use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/evaluations")
    expect(page.get_by_text("No evaluation yet")).to_be_visible()
    page.get_by_role("link", name="New evaluation").first.click()
    page.get_by_role("combobox", name="Judge").click()
    page.get_by_role("option", name=judge).click()
    page.get_by_role("button", name="What will it take?").click()
    expect(page.get_by_text("3 samples")).to_be_visible()
    page.get_by_role("button", name="Start evaluation").click()
    expect(page.get_by_role("region", name="Scores")).to_contain_text("from 3", timeout=PATIENCE * 1000)
    verdicts = page.get_by_role("region", name="Verdicts")
    verdicts.get_by_role("button", name="Where is parcel 0 now").click()
    expect(verdicts.get_by_text("The judge").first).to_be_visible()
    assert serious(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(page)


def test_rules_must_be_written_before_they_are_judged(open_page: Opened, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/new_evaluation")
    page.get_by_role("radio", name="Rules of your own").check()
    page.get_by_role("button", name="Start evaluation").click()
    expect(page.get_by_text("Write at least one rule")).to_be_visible()
    expect(page.get_by_text("Choose a judge")).to_be_visible()
    assert serious(page) == []
