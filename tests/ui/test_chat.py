"""The playground: models side by side, a vote that is a preference."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.ui.conftest import Opened

from tropism import Tropism


def test_two_models_answer_side_by_side_and_a_vote_is_logged(open_page: Opened, client: Tropism, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/playground")
    page.get_by_label("Message").fill("What do roots do?")
    page.keyboard.press("Enter")
    for model in ("echo-a", "echo-b"):
        column = page.get_by_role("region", name=f"Answers of {model}")
        expect(column.get_by_text("What do roots do?")).to_have_count(2)
        expect(column.get_by_text("all after")).to_be_visible()
    page.get_by_role("button", name="echo-b", exact=True).click()
    expect(page.get_by_label("Voted")).to_be_visible()
    nodes = client.interactions.list(use_case=use_case).nodes
    assert {node.labels["from"] for node in nodes} == {"playground"}
    by_model = {node.model: node for node in nodes}
    (vote,) = by_model["echo-b"].comparison_feedbacks
    assert vote.preferred_completion_id == by_model["echo-b"].id
    assert vote.other_completion_id == by_model["echo-a"].id
    assert vote.user == client.users.me().id


def test_a_conversation_goes_on_in_each_column(open_page: Opened, client: Tropism, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/playground")
    for text in ("First", "Second"):
        page.get_by_label("Message").fill(text)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("all after")).to_have_count(2)
    longest = max(client.interactions.list(use_case=use_case).nodes, key=lambda node: len(node.messages))
    assert [(each.role, each.content) for each in longest.messages] == [
        ("user", "First"),
        ("assistant", "First"),
        ("user", "Second"),
    ]


def test_an_interaction_opens_in_the_playground(open_page: Opened, client: Tropism, use_case: str) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sky blue?"}]
    id = client.chat.create(messages, use_case=use_case).choices[0].completion_id
    page = open_page(f"/use_cases/{use_case}/interactions?id={id}")
    page.get_by_role("link", name="Open in playground").click()
    expect(page.get_by_label("Message")).to_have_value("Why is the sky blue?")
    expect(page.get_by_label("System prompt")).to_have_value("Be brief.")
