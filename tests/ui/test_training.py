"""Trainings in the browser: asked for with defaults that make sense, and followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.evaluation.judge import PATIENCE
from tests.ui.axe import serious
from tests.ui.conftest import PHONE, Opened, fits
from tests.weights import tiny

from tropism import Tropism


@pytest.fixture
def local(client: Tropism, tmp_path: Path) -> str:
    """A registered model of random weights; it is never run."""
    key = f"small-{uuid4().hex[:8]}"
    client.jobs.wait(client.models.add_local(tiny.make_gguf(tmp_path), key), timeout=PATIENCE)
    return key


def test_a_training_is_asked_for_and_followed(open_page: Opened, client: Tropism, use_case: str, local: str) -> None:
    for number in range(4):
        good: Any = {"feedback_key": f"{use_case}-stars", "value": 5}
        client.interactions.create("On its way.", prompt=f"Parcel {number}?", feedbacks=[good], use_case=use_case)
    page = open_page(f"/use_cases/{use_case}/training")
    expect(page.get_by_text("No training yet")).to_be_visible()
    page.get_by_role("link", name="New training").first.click()
    page.get_by_role("combobox", name="Model").fill(local)
    page.get_by_role("option", name=local).click()
    page.get_by_role("textbox", name="Name of the child").fill("Support 2")
    page.get_by_role("radio", name="Imitate the good answers").check()
    page.get_by_role("textbox", name="Good from").fill("4")
    assert serious(page) == []
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("region", name="How far it is")).to_be_visible()
    (job,) = client.training.jobs.list(use_case=use_case)
    asked = job.config.training_config
    assert (job.model, job.output_name) == (local, "Support 2")
    assert asked.training_metadata.alignment_method == "SFT"
    assert asked.training_objective.metric is not None
    assert asked.training_objective.metric.metric_metadata is not None
    assert asked.base_training_params.learning_rate == 3e-4
    assert serious(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(page)


def test_all_weights_learn_at_a_lower_rate(open_page: Opened, use_case: str) -> None:
    page = open_page(f"/use_cases/{use_case}/new_training")
    expect(page.get_by_label("Learning rate")).to_have_value("0.0003")
    page.get_by_text("All weights").click()
    expect(page.get_by_label("Learning rate")).to_have_value("0.00001")


def test_who_may_only_read_is_not_offered_to_train(
    open_page: Opened, use_case: str, with_role: Callable[[str], str]
) -> None:
    page = open_page(f"/use_cases/{use_case}/training", key=with_role("viewer"))
    expect(page.get_by_text("No training yet")).to_be_visible()
    expect(page.get_by_role("link", name="New training")).to_have_count(0)
