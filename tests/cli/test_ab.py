"""`tropism ab`: the bars, and a test from its start to its end."""

from __future__ import annotations

import io
import random
import threading
import time
from typing import Any, get_args
from uuid import uuid4

import msgspec
import pytest
from rich.console import Console, RenderableType

from tropism import Tropism
from tropism.cli.ab_bars import PLAIN_LINES, Bar, number
from tropism.cli.ab_picture import whole_picture
from tropism.cli.ab_plot import Plot
from tropism.cli.ab_words import ASSUMPTIONS, OUTCOMES
from tropism.stats import Note
from tropism.testing import RunningServer
from tropism.wire.ab_tests import ABTest, Interval, Outcome, SampleRatio, ShadowReport


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


def test_a_bar_shows_the_value_to_compare_with() -> None:
    assert Bar(Interval(start=0.5, middle=0.75, end=1), 0, 1, "", mark=0).drawn(9) == "┊   ├─●─┤"
    assert Bar(Interval(start=0, middle=0.75, end=1), 0, 1, "", mark=0.5).drawn(9) == "├───┼─●─┤"


@pytest.mark.parametrize(
    ("value", "width", "shown"),
    [
        (0.33333, 0.06, "0.333"),
        (0.33333, 0.6, "0.33"),
        (1234.5, 100, "1,234"),
        (-0.0001, 1, "0.0"),
        (3, 0, "3"),
        (2e9, 1e8, "2e+09"),
    ],
)
def test_a_number_has_two_digits_of_its_intervals_width(value: float, width: float, shown: str) -> None:
    assert number(value, width) == shown


def test_every_assumption_and_outcome_has_words() -> None:
    assert set(ASSUMPTIONS) == set(get_args(Note))
    assert set(OUTCOMES) == set(get_args(Outcome))


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
    echo, parrot = [line for line in ran.out.splitlines() if "●" in line][:2]
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


@pytest.fixture(scope="module")
def full(engine: RunningServer) -> str:
    """A test with all there is to draw: three variants, guardrails of which one is breached, a broken split."""
    name, chance = f"test-{uuid4()}", random.Random(1)
    guardrails = [{"metric": "seconds", "tolerance": 0.1}, {"metric": "error_rate"}]
    with Tropism(engine.base_url, engine.api_key) as client:
        client.set_default_use_case("support")
        for test in client.ab_tests.list(active=True):
            client.ab_tests.cancel(test.key)
        client.models.add_variant("echo", "quiet", system_prompt="Be quiet.")
        client.models.attach("quiet", wait=True)
        client.feedback.register_key("seconds", scoring_type="lower_is_better")
        client.feedback.link("seconds")
        client.ab_tests.create(name, "helpful", ["echo", "parrot", "quiet"], guardrails=guardrails)  # type: ignore[arg-type]
        while client.ab_tests.get(name).status in ("warmup", "in_progress"):
            client.interactions.create_many([_row(name, chance) for _ in range(50)])  # type: ignore[misc]
    return name


def _row(test: str, chance: random.Random) -> dict[str, Any]:
    model = chance.choices(["echo", "parrot", "quiet"], [3, 1, 1])[0]
    feedbacks = [
        {"feedback_key": "helpful", "value": chance.random() < 0.5},
        {"feedback_key": "seconds", "value": chance.gauss(1.5 if model == "quiet" else 1.0, 0.3)},
    ]
    return {"completion": "Hi", "prompt": "Hello", "model": model, "ab_campaign": test, "feedbacks": feedbacks}


def test_a_test_is_created_with_all_its_limits(tropism: Any, key: str) -> None:
    tropism("ab", "cancel", key)
    made = tropism(
        *("ab", "create", f"{key}-2", "helpful", "echo", "parrot", "-u", "support", "--min-effect", 0.05),
        *("--max-feedbacks", 5000, "--max-days", 3, "--guardrail", "error_rate:0.1", "--guardrail", "latency_ms"),
        "--json",
    )
    test = msgspec.json.decode(made.out, type=ABTest)
    assert [(each.metric, each.tolerance) for each in test.guardrails] == [("error_rate", 0.1), ("latency_ms", 0)]
    assert (test.min_effect, test.max_feedbacks) == (0.05, 5000)
    assert (test.expires_at - test.created_at).total_seconds() == pytest.approx(3 * 86_400, abs=60)


def test_a_report_draws_all_there_is_to_know(tropism: Any, full: str) -> None:
    ran = tropism("ab", "report", full)
    said = " ".join(ran.out.split())
    assert (ran.code, max(map(len, ran.out.splitlines()))) == (0, 80)
    for part in ("parrot vs echo", "quiet vs parrot", "Lift", "breached", "holds", "guardrail was breached"):
        assert part in said
    assert "broken: something sorts the users" in said
    assert "More than two variants" in said
    assert said.count("└") == 3


def drawn(part: RenderableType, width: int, encoding: str) -> str:
    """What a terminal of this width and encoding shows; a character that it cannot show is an error."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width, highlight=False, markup=False).print(part)
    file.flush()
    file.seek(0)
    return file.read()


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_plot_fits_the_terminal(engine: RunningServer, full: str, width: int, encoding: str) -> None:
    with Tropism(engine.base_url, engine.api_key) as client:
        test, looks = client.ab_tests.get(full), client.ab_tests.history(full)
    plot = drawn(Plot(test, looks), width, encoding)
    assert max(map(len, plot.splitlines())) <= width
    assert f"{looks[0].feedbacks:,}" in plot
    assert f"{test.report.feedbacks:,}" in plot
    assert all(name in plot for name in test.models)


def test_a_plot_narrows_as_feedback_comes(engine: RunningServer, key: str) -> None:
    with Tropism(engine.base_url, engine.api_key) as client:
        for _ in range(5):
            given = [_row(key, random.Random(n)) | {"model": ("echo", "parrot")[n % 2]} for n in range(50)]
            client.interactions.create_many(given, use_case="support")  # type: ignore[arg-type]
        plot = Plot(client.ab_tests.get(key), client.ab_tests.history(key))
    lines = [line for line in drawn(plot, 80, "ascii").splitlines() if "|" in line]
    rows = [line.split("|")[1] for line in lines]
    first, last = ("".join(line[column] for line in rows).strip() for column in (0, -2))
    assert len(first) >= len(last) > 0


def test_a_whole_report_can_be_drawn_without_line_drawing(engine: RunningServer, key: str) -> None:
    with Tropism(engine.base_url, engine.api_key) as client:
        said = drawn(whole_picture(client.ab_tests.get(key), []), 80, "ascii")
    assert "No feedback yet." in said


def test_a_report_on_preferences_shows_win_rates(tropism: Any, engine: RunningServer, key: str) -> None:
    tropism("ab", "cancel", key)
    name = f"test-{uuid4()}"
    made = ("ab", "create", name, "helpful", "echo", "parrot", "-u", "support", "--feedback-type", "preference")
    assert tropism(*made, "--shadow", 0.5).code == 0
    with Tropism(engine.base_url, engine.api_key) as client:
        while client.ab_tests.get(name).status in ("warmup", "in_progress"):
            two = client.chat.create([{"role": "user", "content": "Hi"}], n=2, use_case="support").choices
            best, other = sorted(two, key=lambda choice: choice.model)
            client.feedback.log_preference("helpful", best.completion_id, other.completion_id, use_case="support")
    said = tropism("ab", "report", name).out
    assert "Won/lost/tied" in said
    assert "parrot vs echo" in said
    assert "0/" in said


def test_shadow_answers_and_errors_are_counted_in_the_report(tropism: Any, engine: RunningServer, key: str) -> None:
    tropism("ab", "cancel", key)
    name = f"test-{uuid4()}"
    made = ("ab", "create", name, "helpful", "echo", "parrot", "-u", "support", "--feedback-type", "preference")
    tropism(*made, "--shadow", 1)
    assert "Shadow" not in tropism("ab", "report", name).out
    with Tropism(engine.base_url, engine.api_key) as client:
        client.chat.create([{"role": "user", "content": "Hi"}], use_case="support")
        for _ in range(100):
            if client.ab_tests.get(name).report.shadow.completions:
                break
            time.sleep(0.05)
    assert "1 answers in the background" in " ".join(tropism("ab", "report", name).out.split())


def test_what_went_wrong_is_in_the_report(tropism: Any, engine: RunningServer, key: str) -> None:
    """Errors with those that a fallback answered, dollars, and users of one variant who do not answer."""
    with Tropism(engine.base_url, engine.api_key) as client:
        test = client.ab_tests.get(key)
    report, replace = test.report, msgspec.structs.replace
    failing = replace(report.variants[0], errors=7, fallbacks=5)
    report = replace(
        report,
        variants=[failing, report.variants[1]],
        feedback_ratio=SampleRatio(p_value=0.001, alarm=True),
        shadow=ShadowReport(completions=2, prompt_tokens=9, completion_tokens=8, cost_usd=0.0123),
    )
    shown = io.StringIO()
    Console(file=shown, width=80).print(whole_picture(replace(test, report=report), []))
    said = " ".join(shown.getvalue().split())
    assert "echo: 7 (5 answered by a fallback)" in said
    assert "8 completion tokens, 0.0123 USD" in said
    assert "some variant's users answer less often, or later" in said


def test_a_guardrail_needs_a_number(tropism: Any, key: str) -> None:
    made = ("ab", "create", f"{key}-2", "helpful", "echo", "parrot", "-u", "support")
    ran = tropism(*made, "--guardrail", "latency_ms:fast")
    assert (ran.code, "'fast' is no number" in ran.err) == (1, True)


def test_a_plan_names_the_number_of_feedbacks(tropism: Any) -> None:
    found = tropism("ab", "plan", 0.06, "--baseline", 0.3, "--json").json
    said = " ".join(tropism("ab", "plan", 0.06, "--baseline", 0.3).out.split())
    assert f"half of such tests have decided by {found['median']:,}" in said
    assert found["summary"] in said
    ran = tropism("ab", "plan", 0.06)
    assert (ran.code, "baseline" in ran.err) == (1, True)
