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


def test_the_overview_shows_how_fast_and_how_good_each_model_is(
    open_page: Opened, client: Tropism, use_case: str
) -> None:
    for number in range(6):
        model = ("echo-a", "echo-b")[number % 2]
        answer = client.chat.create([{"role": "user", "content": "Hi"}], model=model, use_case=use_case)
        client.feedback.log_metric(number > 1, answer.choices[0].completion_id, f"{use_case}-thumbs")
        client.feedback.log_metric(number, answer.choices[0].completion_id, f"{use_case}-stars")
    page = open_page(f"/use_cases/{use_case}")
    trends = page.get_by_role("region", name="Latency and feedback")
    expect(trends.get_by_role("figure", name="latency_ms of each model by day")).to_be_visible()
    expect(trends.get_by_role("list", name="latency_ms of each model on the whole")).to_contain_text("no interval yet")
    trends.get_by_role("combobox", name="Metric").click()
    page.get_by_role("option", name=f"{use_case}-thumbs").click()
    whole = trends.get_by_role("list", name=f"{use_case}-thumbs of each model on the whole")
    expect(whole.get_by_role("listitem").filter(has_text="echo-b")).to_contain_text("66.7 % (")
    trends.get_by_text("Last 24 hours").click()
    expect(trends.get_by_role("figure", name=f"{use_case}-thumbs of each model by hour")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("img", name=f"{use_case}-stars by day: 2.5")).to_be_visible()
