"""Datasets in the browser: a file with its progress, its faults by line, a filter, the first lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism

LINE = '{"messages": [{"role": "user", "content": "Where is parcel %d?"}], "completion": "On its way."}\n'


def test_a_file_is_uploaded_and_its_lines_are_read(
    open_page: Opened, client: Tropism, use_case: str, tmp_path: Path
) -> None:
    file = tmp_path / "Questions.jsonl"
    file.write_text("".join(LINE % number for number in range(30)))
    page = open_page(f"/use_cases/{use_case}/datasets")
    expect(page.get_by_text("No dataset yet")).to_be_visible()
    page.get_by_role("button", name="Upload a file").first.click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("dialog").get_by_label("File").click()
    chooser.value.set_files(file)
    page.get_by_role("dialog").get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="questions").click()
    expect(page.get_by_role("region", name="First lines")).to_contain_text("Where is parcel 0?")
    assert client.datasets.get("questions", use_case=use_case).lines == 30


def test_a_faulty_file_is_refused_with_its_line(
    open_page: Opened, client: Tropism, use_case: str, tmp_path: Path
) -> None:
    file = tmp_path / "faulty.jsonl"
    file.write_text(LINE % 1 + "no JSON\n")
    page = open_page(f"/use_cases/{use_case}/datasets")
    page.get_by_role("button", name="Upload a file").first.click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("dialog").get_by_label("File").click()
    chooser.value.set_files(file)
    page.get_by_role("dialog").get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("line 2")
    assert client.datasets.list(use_case=use_case) == []


def test_interactions_are_kept_by_a_filter(open_page: Opened, client: Tropism, use_case: str) -> None:
    for stars in (1, 5, 4):
        feedback: Any = {"feedback_key": f"{use_case}-stars", "value": stars}
        client.interactions.create(f"worth {stars}", prompt="a question", feedbacks=[feedback], use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/datasets")
    page.get_by_role("button", name="Make from interactions").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Key", exact=True).fill("good")
    form.get_by_role("combobox", name="With feedback of").click()
    page.get_by_role("option", name=f"{use_case}-stars").click()
    form.get_by_label("At least").fill("4")
    form.get_by_role("button", name="Make it").click()
    page.get_by_role("link", name="good").click()
    expect(page.get_by_role("region", name="First lines")).to_contain_text("worth 5")
    assert client.datasets.get("good", use_case=use_case).lines == 2


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_dataset_is_readable_by_everybody_and_a_viewer_cannot_delete_it(
    open_page: Opened, client: Tropism, use_case: str, size: dict[str, int], with_role: Callable[[str], str]
) -> None:
    client.interactions.create("an answer", prompt="a question", use_case=use_case)
    client.datasets.from_interactions("kept", use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/datasets/kept", size=size, key=with_role("viewer"))
    expect(page.get_by_role("region", name="First lines")).to_contain_text("an answer")
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
