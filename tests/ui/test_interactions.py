"""The page of interactions: found, filtered by the URL, watched live, looked into, judged."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.ui.cable import Cable
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism
from tropism.testing import RunningServer


def ask(client: Tropism, use_case: str, text: str, model: str = "echo-a") -> str:
    answer = client.chat.create([{"role": "user", "content": text}], model=model, use_case=use_case)
    return str(answer.choices[0].completion_id)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_interaction_is_found_and_looked_into(
    open_page: Opened, client: Tropism, use_case: str, size: dict[str, int]
) -> None:
    id = ask(client, use_case, "How tall is a sunflower?")
    client.feedback.log_metric(4, id, f"{use_case}-stars")
    page = open_page(f"/use_cases/{use_case}/interactions", size=size)
    page.get_by_role("button").filter(has_text="How tall is a sunflower?").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("How tall is a sunflower?")).to_have_count(2)  # the echo repeats it
    expect(drawer.get_by_text(f"{use_case}-stars")).to_be_visible()
    assert f"id=%22{id}%22" in page.url or id in page.url
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_filters_stand_in_the_url_and_can_be_shared(
    open_page: Opened, client: Tropism, server: RunningServer, use_case: str
) -> None:
    for model in ("echo-a", "echo-b"):
        ask(client, use_case, f"Said by {model}", model)
    page = open_page(f"/use_cases/{use_case}/interactions")
    expect(page.get_by_text("2 interactions")).to_be_visible()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("combobox", name="Models").click()
    page.get_by_role("option", name="echo-b").click()
    expect(page.get_by_text("1 interaction", exact=True)).to_be_visible()
    shared = open_page(page.url.removeprefix(server.base_url))
    expect(shared.get_by_text("1 interaction", exact=True)).to_be_visible()
    expect(shared.get_by_text("Said by echo-b").first).to_be_visible()
    shared.get_by_role("button", name="Clear").click()
    expect(shared.get_by_text("2 interactions")).to_be_visible()


def test_what_is_logged_appears_while_it_is_watched(open_page: Opened, client: Tropism, use_case: str) -> None:
    ask(client, use_case, "Before")
    page = open_page(f"/use_cases/{use_case}/interactions")
    page.get_by_role("switch", name="Live").click()
    expect(page.get_by_text("Live, watching")).to_be_visible()
    page.wait_for_timeout(1500)  # the watch begins with what is there
    ask(client, use_case, "While you watch")
    expect(page.get_by_text("While you watch").first).to_be_visible()
    expect(page.get_by_text("1 new one since you watch")).to_be_visible()


def test_a_live_tail_is_taken_up_again_with_what_was_missed(
    open_page: Opened, client: Tropism, server: RunningServer, use_case: str
) -> None:
    ask(client, use_case, "Before")
    with Cable(server.base_url).laid() as cable:
        page = open_page(f"/use_cases/{use_case}/interactions?live=true", at=cable.url)
        expect(page.get_by_text("Live, watching")).to_be_visible()
        expect(page.get_by_text("1 interaction", exact=True)).to_be_visible()
        cable.cut()
        expect(page.get_by_text("The engine cannot be reached.").first).to_be_visible()
        ask(client, use_case, "While it was away")
        cable.mend()
        expect(page.get_by_text("While it was away").first).to_be_visible()
        expect(page.get_by_text("The engine cannot be reached.")).to_have_count(0)
        ask(client, use_case, "After it came back")
        expect(page.get_by_text("After it came back").first).to_be_visible()


def test_feedback_is_given_in_the_drawer(open_page: Opened, client: Tropism, use_case: str) -> None:
    id = ask(client, use_case, "Judge me")
    page = open_page(f"/use_cases/{use_case}/interactions?id={id}")
    page.get_by_role("button", name=f"{use_case}-thumbs: yes").click()
    expect(page.get_by_role("dialog").get_by_text("1 by you")).to_be_visible()
    values = client.interactions.get(id, use_case=use_case).direct_feedbacks
    assert [(each.feedback_key, each.value) for each in values] == [(f"{use_case}-thumbs", 1.0)]


def test_groups_lead_to_their_interactions(open_page: Opened, client: Tropism, use_case: str) -> None:
    for _ in range(3):
        ask(client, use_case, "Asked often")
    ask(client, use_case, "Asked once", "echo-b")
    page = open_page(f"/use_cases/{use_case}/interactions")
    page.get_by_text("By prompt").click()
    page.get_by_role("button", name="Show interactions of Asked often").click()
    expect(page.get_by_text("3 interactions")).to_be_visible()


def test_many_interactions_scroll_page_by_page(open_page: Opened, client: Tropism, use_case: str) -> None:
    entries = [{"completion": f"answer {n}", "prompt": f"question {n}"} for n in range(300)]
    client.interactions.create_many(entries, use_case=use_case)  # type: ignore[arg-type]
    page = open_page(f"/use_cases/{use_case}/interactions")
    expect(page.get_by_text("300 interactions")).to_be_visible()
    frame = page.get_by_role("region", name="Interactions")
    assert frame.get_by_role("button").count() < 60, "only what is in sight is drawn"
    for _ in range(40):
        frame.evaluate("element => element.scrollTo(0, element.scrollHeight)")
        page.wait_for_timeout(150)
        if frame.get_by_text("question 0", exact=True).count():
            break
    expect(frame.get_by_text("question 0", exact=True)).to_be_visible()
    assert frame.get_by_role("button").count() < 60


def test_nothing_yet_says_what_to_do(open_page: Opened, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/interactions")
    expect(page.get_by_text("Nothing was asked yet")).to_be_visible()
    expect(page.get_by_text(f'"model": "{use_case}"')).to_be_visible()
