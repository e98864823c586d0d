"""A/B tests in the browser: planned, begun, read, cancelled, and their winner promoted."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism

MODELS = ["echo-a", "echo-b"]


def _feed(client: Tropism, use_case: str, test: str, good: dict[str, float], answers: int) -> None:
    """Answers of a test, each with a thumb that is up as often as `good` says of its model."""
    chance = random.Random(1)
    for number in range(answers):
        model = MODELS[number % 2]
        thumb: Any = {"feedback_key": f"{use_case}-thumbs", "value": chance.random() < good[model]}
        client.interactions.create(
            "an answer", prompt="a question", model=model, ab_campaign=test, feedbacks=[thumb], use_case=use_case
        )


def test_a_test_is_planned_begun_read_and_its_winner_promoted(
    open_page: Opened, client: Tropism, use_case: str
) -> None:
    page = open_page(f"/use_cases/{use_case}/ab_tests")
    expect(page.get_by_text("No A/B test yet")).to_be_visible()
    page.get_by_role("link", name="New A/B test").first.click()
    page.get_by_role("textbox", name="Key", exact=True).fill(f"{use_case}-t")
    page.get_by_role("combobox", name="Decided by").click()
    page.get_by_role("option", name=f"{use_case}-thumbs").click()
    page.get_by_label("Smallest difference worth knowing").fill("30")
    page.get_by_label("Rate today").fill("40")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.get_by_text("Half of such tests have decided by")).to_be_visible()
    page.get_by_role("button", name="Take these limits").click()
    expect(page.get_by_role("textbox", name="Difference worth knowing", exact=True)).to_have_value("0.3")
    page.get_by_role("button", name="Add a guardrail").click()
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("heading", level=1, name=f"{use_case}-t")).to_be_visible()

    begun = client.ab_tests.get(f"{use_case}-t")
    assert (begun.feedback_key, begun.models, begun.min_effect) == (f"{use_case}-thumbs", MODELS, 0.3)
    assert [each.metric for each in begun.guardrails] == ["latency_ms"]
    _feed(client, use_case, begun.key, {"echo-a": 0.2, "echo-b": 0.95}, 120)
    page.get_by_role("button", name="Make echo-b the default").click()
    expect(page.get_by_text("echo-b is the default now.")).to_be_visible()
    services = client.use_cases.get(use_case).model_services
    assert [service.model.key for service in services if service.is_default] == ["echo-b"]
    expect(page.get_by_role("figure", name=f"The figures of {use_case}-t over time")).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_readable_by_everybody(
    open_page: Opened, client: Tropism, use_case: str, size: dict[str, int], scheme: str
) -> None:
    test = f"{use_case}-t"
    guardrails: Any = [{"metric": "error_rate", "tolerance": 0.02}]
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, guardrails=guardrails, use_case=use_case)
    _feed(client, use_case, test, {"echo-a": 0.5, "echo-b": 0.6}, 104)
    page = open_page(f"/use_cases/{use_case}/ab_tests/{test}", size=size)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    expect(page.get_by_role("region", name="Traffic split")).to_contain_text("echo-b")
    expect(page.get_by_role("region", name="Guardrails")).to_contain_text("error_rate")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_may_only_read_is_offered_nothing_more(
    open_page: Opened, client: Tropism, use_case: str, with_role: Callable[[str], str]
) -> None:
    test = f"{use_case}-t"
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/ab_tests", key=with_role("viewer"))
    page.get_by_role("link", name=test).click()
    expect(page.get_by_role("region", name="What is known")).to_be_visible()
    for name in ("Cancel test", "Make default"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_test_is_cancelled_after_a_question(open_page: Opened, client: Tropism, use_case: str) -> None:
    test = f"{use_case}-t"
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/ab_tests/{test}")
    page.get_by_role("button", name="Cancel test").click()
    page.get_by_role("button", name="Cancel the test").click()
    expect(page.get_by_role("region", name="What is known").get_by_text("cancelled", exact=True)).to_be_visible()
    assert client.ab_tests.get(test).status == "cancelled"


def test_a_taken_key_is_refused_with_the_engines_words(open_page: Opened, client: Tropism, use_case: str) -> None:
    test = f"{use_case}-t"
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, use_case=use_case)
    client.ab_tests.cancel(test)
    page = open_page(f"/use_cases/{use_case}/new_ab_test")
    page.get_by_role("textbox", name="Key", exact=True).fill(test)
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("alert")).to_contain_text(test)
