"""`tropism ab`: the bars, and a test from its start to its end."""

from __future__ import annotations

import threading
import time
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tropism import Tropism
from tropism.cli.ab_picture import PLAIN_LINES, Bar
from tropism.testing import RunningServer
from tropism.wire.ab_tests import ABTest, Interval


def bar(start: float, middle: float, end: float, width: int = 21, low: float = 0.0, high: float = 1.0) -> str:
    return Bar(Interval(start=start, middle=middle, end=end), low, high, "").drawn(width)


def test_a_bar_spans_its_interval_on_the_common_scale() -> None:
    assert bar(0, 0.5, 1) == "├─────────●─────────┤"
    assert bar(0.5, 0.75, 1) == "          ├────●────┤"
    assert bar(0, 0, 0.1) == "●─┤                  "


def test_an_interval_of_no_width_is_a_point_on_the_scale() -> None:
    assert bar(0.5, 0.5, 0.5).strip() == "●"
    assert bar(2, 2, 2, low=2, high=2).strip() == "●"


@pytest.mark.parametrize("width", range(1, 60))
def test_a_bar_is_as_wide_as_its_column(width: int) -> None:
    assert len(bar(0.2, 0.3, 0.9, width)) == width
    assert len(Bar(None, 0, 1, "").drawn(width)) == width


def test_a_terminal_without_line_drawing_gets_plain_signs() -> None:
    assert Bar(Interval(start=0, middle=0.5, end=1), 0, 1, "").drawn(5, PLAIN_LINES) == "|-o-|"


@pytest.fixture
def key(tropism: Any) -> str:
    """A running test; the engine's other tests leave none behind that would take its traffic."""
    for test in tropism("ab", "list", "-u", "support", "--active", "--json").json:
        tropism("ab", "cancel", test["key"])
    name = f"test-{uuid4()}"
    made = tropism("ab", "create", name, "helpful", "echo", "parrot", "-u", "support")
    assert made.code == 0
    return name


def log_feedback(engine: RunningServer, requests: int) -> None:
    """`echo` pleases always, `parrot` never."""
    with Tropism(engine.base_url, engine.api_key) as client:
        for number in range(requests):
            answer = client.chat.create([{"role": "user", "content": str(number)}], use_case="support")
            client.feedback.log_metric(answer.choices[0].model == "echo", answer.id, "helpful")


def test_a_report_before_any_feedback_says_so(tropism: Any, key: str) -> None:
    said = tropism("ab", "report", key).out
    assert said.count("not enough feedback yet") == 2
    assert "No feedback yet." in said


def test_a_report_draws_bars_and_says_who_won(tropism: Any, engine: RunningServer, key: str) -> None:
    log_feedback(engine, 120)
    ran = tropism("ab", "report", key)
    found = msgspec.convert(tropism("ab", "report", key, "--json").json, ABTest)
    assert found.report.winner == "echo"
    assert found.report.p_value is not None
    assert f"{found.report.p_value:.4f}" in ran.out
    assert " ".join(found.report.summary.split()) in " ".join(ran.out.split())
    echo, parrot = (line for line in ran.out.splitlines() if "●" in line)
    assert parrot.index("●") < echo.index("●")
    assert max(map(len, ran.out.splitlines())) <= 80


def test_watching_ends_with_the_test(tropism: Any, engine: RunningServer, key: str) -> None:
    def cancel() -> None:
        time.sleep(0.5)
        with Tropism(engine.base_url, engine.api_key) as client:
            client.ab_tests.cancel(key)

    ending = threading.Thread(target=cancel)
    ending.start()
    ran = tropism("ab", "report", key, "--watch", "--every", 0.1, "--json")
    ending.join()
    looks = [msgspec.json.decode(line, type=ABTest).status for line in ran.out.splitlines()]
    assert looks[0] != "cancelled"
    assert looks[-1] == "cancelled"


def test_a_test_that_has_ended_is_watched_once(tropism: Any, key: str) -> None:
    assert tropism("ab", "cancel", key).code == 0
    assert "cancelled" in tropism("ab", "report", key, "--watch").out
