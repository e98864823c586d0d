"""The queue of an annotator, by keyboard."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from tests.ui.conftest import Opened

from tropism import Tropism


def test_answers_are_judged_by_keyboard(
    open_page: Opened, client: Tropism, use_case: str, with_role: Callable[[str], str]
) -> None:
    for number in range(3):
        client.interactions.create(f"answer {number}", prompt=f"question {number}", use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/annotate?key={use_case}-thumbs", key=with_role("annotator"))
    article = page.get_by_role("article")
    expect(article).to_contain_text("question 2")
    page.keyboard.press("y")
    expect(article).to_contain_text("question 1")
    page.keyboard.press("n")
    expect(article).to_contain_text("question 0")
    page.keyboard.press("b")
    expect(article).to_contain_text("question 1")
    page.keyboard.press("y")
    expect(article).to_contain_text("question 0")
    page.keyboard.press("s")
    expect(page.get_by_text("All judged")).to_be_visible()
    expect(page.get_by_text("2 answers judged, 1 skipped")).to_be_visible()

    nodes = client.interactions.list(use_case=use_case).nodes
    values = {node.completion: [each.value for each in node.direct_feedbacks] for node in nodes}
    assert values == {"answer 2": [1.0], "answer 1": [1.0], "answer 0": []}
    page.reload()
    expect(article).to_contain_text("question 0")  # what was judged does not come again
