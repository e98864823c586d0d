"""The whole loop by clicks: from an engine with nothing in it to a promoted winner, then to a model that learns."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.evaluation.judge import PATIENCE
from tests.ui.conftest import Opened
from tests.weights import tiny as untrained

from tropism import Tropism
from tropism.testing import RunningServer, run_server

NO_TRAINERS = importlib.util.find_spec("torch") is None
GOOD = {"plain": 0.2, "brief": 0.9}
"""How often people are helped by each model."""


@pytest.fixture
def empty() -> Iterator[RunningServer]:
    """An engine that was never used."""
    with run_server(echo_models=tuple(GOOD)) as running:
        yield running


def test_from_nothing_to_a_promoted_winner_to_a_training(
    open_page: Opened, empty: RunningServer, tmp_path: Path
) -> None:
    page = open_page("/", at=empty.base_url, key=empty.api_key)
    _set_up(page)
    _chat_and_judge(page)
    with Tropism(empty.base_url, empty.api_key) as client:
        client.set_default_use_case("support")
        assert [each.kind for each in client.use_cases.get().feedback_keys] == ["bool"]
        _begin_test(page)
        _traffic(client)
        page.get_by_role("button", name="Make brief the default").click()
        expect(page.get_by_text("brief is the default now.")).to_be_visible()
        answer = client.chat.create([{"role": "user", "content": "Who answers now?"}])
        assert answer.model == "brief"
        _train(page, _weights(tmp_path))
        (job,) = client.training.jobs.list()
        assert (job.model, job.output_name) == ("small", "Support 2")
        if NO_TRAINERS:
            expect(page.get_by_text("torch").first).to_be_visible(timeout=PATIENCE * 1000)
            return
        page.get_by_role("button", name="Attach it here").click(timeout=3 * PATIENCE * 1000)
        expect(page.get_by_text(", attached here.")).to_be_visible()
        assert "support-2" in [each.model.key for each in client.use_cases.get().model_services]


def _set_up(page: Page) -> None:
    page.get_by_role("button", name="New use case").click()
    page.get_by_label("Name").fill("Support")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("link", name="Support", exact=True)).to_be_visible()
    for model in GOOD:
        _go(page, "Models")
        page.get_by_role("link", name=model, exact=True).click()
        page.get_by_role("combobox", name="Use case to attach it to").fill("Support")
        page.get_by_role("option", name="Support").click()
        if model == "plain":
            page.get_by_label("as its default").check()
        page.get_by_role("button", name="Attach", exact=True).click()
        expect(page.get_by_role("row", name="Support").get_by_text("online")).to_be_visible()
    page.get_by_role("row", name="Support").get_by_role("link", name="Support").click()
    _go(page, "Feedback keys")
    page.get_by_role("button", name="New feedback key").first.click()
    page.get_by_label("Name").fill("Helpful")
    page.get_by_role("button", name="Register and link").click()
    expect(page.get_by_text("Helpful", exact=True)).to_be_visible()


def _chat_and_judge(page: Page) -> None:
    _go(page, "Playground")
    page.get_by_label("Message").fill("Where is my parcel?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("all after")).to_have_count(2)
    page.get_by_role("button", name="brief", exact=True).click()
    expect(page.get_by_label("Voted")).to_be_visible()
    _go(page, "Interactions")
    page.get_by_role("button").filter(has_text="Where is my parcel?").first.click()
    page.get_by_role("button", name="Helpful: yes").click()
    expect(page.get_by_role("dialog").get_by_text("1 by you")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def _begin_test(page: Page) -> None:
    _go(page, "A/B tests")
    page.get_by_role("link", name="New A/B test").first.click()
    page.get_by_role("textbox", name="Key", exact=True).fill("brief-or-plain")
    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("heading", level=1, name="brief-or-plain")).to_be_visible()


def _traffic(client: Tropism) -> None:
    """Customers of an app that names no model; each says whether they were helped, until the test has ended."""
    chance = random.Random(1)
    for _ in range(2_000):
        answer = client.chat.create([{"role": "user", "content": "Where is my parcel?"}], user=uuid4())
        client.feedback.log_metric(chance.random() < GOOD[answer.model], answer.choices[0].completion_id, "helpful")
        if client.ab_tests.get("brief-or-plain").status == "done":
            return
    pytest.fail("the test did not end")


def _weights(folder: Path) -> Path:
    """A model of random weights; a trainer also wants to know how it chats."""
    if NO_TRAINERS:
        return untrained.make_gguf(folder)
    from tests.trainers import tiny, tiny_gguf

    return tiny_gguf.make_gguf(tiny.make_model(folder / "tiny"), folder)


def _train(page: Page, weights: Path) -> None:
    _go(page, "Models")
    page.get_by_role("button", name="Add a model").click()
    page.get_by_role("menuitem", name="A GGUF file").click()
    page.get_by_role("textbox", name="Path").fill(str(weights))
    page.get_by_role("textbox", name="Key", exact=True).fill("small")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("link", name="small", exact=True)).to_be_visible(timeout=PATIENCE * 1000)
    page.get_by_role("combobox", name="Use case").click()
    page.get_by_role("option", name="Support").click()
    _go(page, "Training")
    page.get_by_role("link", name="New training").first.click()
    page.get_by_role("combobox", name="Model").fill("small")
    page.get_by_role("option", name="small").click()
    page.get_by_role("textbox", name="Name of the child").fill("Support 2")
    page.get_by_role("radio", name="Imitate the good answers").check()
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("region", name="How far it is")).to_be_visible()


def _go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
