"""`tropism judges`: the methods, and how far a judge agrees with people."""

from __future__ import annotations

from tropism import Tropism
from tropism.testing import RunningServer

from .conftest import Command


def test_the_methods_are_listed(tropism: Command) -> None:
    ran = tropism("judges", "list", "--json")
    assert [each["method"] for each in ran.json] == ["faithfulness", "answer_relevancy", "context_relevancy", "custom"]
    assert "faithfulness" in tropism("judges", "list").out


def test_agreement_is_shown_with_its_sentence_and_counts(tropism: Command, engine: RunningServer) -> None:
    with Tropism(engine.base_url, engine.api_key) as client:
        client.set_default_use_case("support")
        for key in ("cli-judge", "cli-people"):
            client.feedback.register_key(key, kind="bool")
            client.feedback.link(key)
        for judge, people in [(1, 1)] * 4 + [(0, 0)] * 3 + [(1, 0)]:
            feedbacks = [{"feedback_key": "cli-judge", "value": judge}, {"feedback_key": "cli-people", "value": people}]
            client.interactions.create("x", prompt="y", feedbacks=feedbacks)  # type: ignore[arg-type]
    ran = tropism("judges", "agreement", "cli-judge", "cli-people", "-u", "support")
    assert ran.code == 0
    assert "say the same of 7 of 8 completions" in " ".join(ran.out.split())
    assert "0.75" in ran.out
    found = tropism("judges", "agreement", "cli-judge", "cli-people", "--use-case", "support", "--json").json
    assert (found["both_good"], found["only_judge_good"], found["neither_good"]) == (4, 1, 3)


def test_a_key_that_is_not_there_is_named(tropism: Command) -> None:
    ran = tropism("judges", "agreement", "nothing", "helpful", "--use-case", "support")
    assert ran.code != 0
    assert "no feedback key 'nothing'" in " ".join(ran.err.split())
