"""The registry of models in the browser: add, attach, make default, stop and start."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from tests.ui.axe import serious
from tests.ui.conftest import DESK, PHONE, Opened

from tropism import Tropism


def test_a_variant_is_made_attached_and_becomes_the_default(open_page: Opened, client: Tropism, use_case: str) -> None:
    key = f"brief-{uuid4().hex[:8]}"
    page = open_page("/models/echo-a")
    page.get_by_role("button", name="Make a variant").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Key", exact=True).fill(key)
    form.get_by_label("System prompt").fill("Answer in at most ten words.")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_text(f"{key} is registered")).to_be_visible()
    made = client.models.get(key)
    assert (made.backbone, made.system_prompt) == ("echo-a", "Answer in at most ten words.")

    page.goto(f"/models?find={key}")
    page.get_by_role("link", name=key).click()
    page.get_by_role("combobox", name="Use case to attach it to").fill(use_case)
    page.get_by_role("option", name=use_case).click()
    page.get_by_role("button", name="Attach").click()
    page.get_by_role("row", name=use_case).get_by_role("button", name="Make default").click()
    expect(page.get_by_role("row", name=use_case).get_by_text("default", exact=True)).to_be_visible()
    services = client.use_cases.get(use_case).model_services
    assert [service.model.key for service in services if service.is_default] == [key]


def test_a_model_is_detached_after_a_question(open_page: Opened, client: Tropism, use_case: str) -> None:
    page = open_page("/models/echo-b")
    page.get_by_role("row", name=use_case).get_by_role("button", name="Detach").click()
    page.get_by_role("dialog").get_by_role("button", name="Detach").click()
    expect(page.get_by_role("row", name=use_case)).to_have_count(0)
    assert "echo-b" not in [each.model.key for each in client.use_cases.get(use_case).model_services]


def test_a_model_is_started_and_stopped(open_page: Opened, client: Tropism) -> None:
    client.models.terminate("echo-c", force=True)
    page = open_page("/models/echo-c")
    page.get_by_role("button", name="Start it").click()
    expect(page.get_by_role("region", name="What it is").get_by_text("online")).to_be_visible()
    page.get_by_role("button", name="Stop it").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("button", name="Start it")).to_be_visible()
    assert client.models.get("echo-c").online == "OFFLINE"


def test_a_variant_is_started_with_its_backbone_only(open_page: Opened, client: Tropism) -> None:
    key = f"brief-{uuid4().hex[:8]}"
    client.models.add_variant("echo-c", key, system_prompt="Be brief.")
    page = open_page(f"/models/{key}")
    expect(page.get_by_role("link", name="echo-c", exact=True)).to_be_visible()
    for name in ("Start it", "Stop it"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_prompt_is_changed_and_gone_back_to(open_page: Opened, client: Tropism) -> None:
    key = f"brief-{uuid4().hex[:8]}"
    client.models.add_variant("echo-c", key, system_prompt="Be brief.")
    page = open_page(f"/models/{key}")
    page.get_by_role("textbox", name="System prompt").fill("Be kind.")
    page.get_by_role("button", name="Keep as a new version").click()
    expect(page.get_by_role("heading", name="System prompt, version 2")).to_be_visible()
    assert client.models.get(key).system_prompt == "Be kind."
    earlier = page.get_by_role("article", name="Version 1")
    expect(earlier).to_contain_text("Be brief.")
    assert serious(page) == []
    earlier.get_by_role("button", name="Go back to it").click()
    expect(page.get_by_role("heading", name="System prompt, version 3")).to_be_visible()
    made = client.models.get(key)
    assert (made.version, made.system_prompt) == (3, "Be brief.")


def test_an_outside_model_is_registered_and_its_key_is_not_shown(open_page: Opened, client: Tropism) -> None:
    name = f"Outside {uuid4().hex[:8]}"
    page = open_page("/models")
    page.get_by_role("button", name="Add a model").click()
    page.get_by_role("menuitem", name="Served by somebody else").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill(name)
    form.get_by_role("textbox", name="Model", exact=True).fill("some-model")
    form.get_by_label("Address").fill("http://127.0.0.1:9/v1")
    form.get_by_role("textbox", name="Api key of the provider").fill("sk-of-the-provider")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)  # it fades out
    assert "sk-of-the-provider" not in page.content()
    assert client.models.get(name.lower().replace(" ", "-")).is_external


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["/models", "/models/echo-a"])
def test_the_pages_are_readable_by_everybody(open_page: Opened, use_case: str, path: str, size: dict[str, int]) -> None:
    page = open_page(path, size=size)
    expect(page.get_by_text("online").first).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_may_only_read_is_offered_nothing_more(
    open_page: Opened, use_case: str, with_role: Callable[[str], str]
) -> None:
    page = open_page("/models/echo-a", key=with_role("viewer"))
    expect(page.get_by_role("row", name=use_case)).to_be_visible()
    for name in ("Make a variant", "Start it", "Stop it", "Detach", "Attach", "Keep"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
