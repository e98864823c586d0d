"""How tests end: by a breached guardrail, by time, by futility, by number; and what holds a promotion back."""

from __future__ import annotations

import random
from uuid import uuid4

import pytest
from tests.ab_tests.test_figures import HELLO, MODELS, default_of
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.wire.interactions import Interaction


def test_a_breached_guardrail_ends_the_test_and_keeps_the_default(client: Tropism, use_case: str) -> None:
    """`echo-b` pleases more, but takes twice the seconds: whatever it wins, it is not promoted."""
    test, thumbs, stars = f"{use_case}-t", f"{use_case}-thumbs", f"{use_case}-seconds"
    client.feedback.register_key(stars, scoring_type="lower_is_better")
    client.feedback.link(stars, use_case=use_case)
    client.ab_tests.create(
        test, thumbs, MODELS, auto_deploy=True, guardrails=[{"metric": stars, "tolerance": 0.1}], use_case=use_case
    )
    chance = random.Random(1)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        answer = client.chat.create(HELLO, use_case=use_case).choices[0]
        is_b = answer.model == "echo-b"
        client.feedback.log_metric(chance.gauss(2.0 if is_b else 1.0, 0.2), answer.completion_id, stars)
        client.feedback.log_metric(chance.random() < (0.6 if is_b else 0.5), answer.completion_id, thumbs)
    done = client.ab_tests.get(test)
    assert (done.status, done.report.outcome, done.report.winner) == ("done", "guardrail", None)
    (harm,) = done.report.guardrails
    assert (harm.metric, harm.variant, harm.breached) == (stars, "echo-b", True)
    assert harm.worsening == pytest.approx(1.0, abs=0.2)
    assert f"echo-b is worse than the default on {stars} by {harm.worsening:.3g} (at least" in done.report.summary
    assert "allowed were 0.1)." in done.report.summary
    assert default_of(client, use_case) == "echo-a"


def test_latency_and_errors_can_be_guardrails(client: Tropism, use_case: str) -> None:
    test, guardrails = f"{use_case}-t", [{"metric": "latency_ms", "tolerance": 1e6}, {"metric": "error_rate"}]
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, guardrails=guardrails, use_case=use_case)  # type: ignore[arg-type]
    for _ in range(140):
        client.chat.create(HELLO, use_case=use_case)
    report = client.ab_tests.get(test).report
    latency, errors = report.guardrails
    assert (latency.metric, latency.variant, latency.breached) == ("latency_ms", "echo-b", False)
    assert (errors.metric, errors.breached) == ("error_rate", False)
    assert sum(variant.assigned_units for variant in report.variants) == 140


@pytest.mark.parametrize(
    ("guardrails", "says"),
    [
        ([{"metric": "unheard-of"}], "no feedback key"),
        ([{"metric": "latency_ms"}, {"metric": "latency_ms"}], "counted already"),
        ([{"metric": "latency_ms", "tolerance": -1.0}], ">= 0"),
    ],
)
def test_a_guardrail_that_cannot_be_is_refused(
    call: Both, use_case: str, guardrails: list[dict[str, object]], says: str
) -> None:
    with pytest.raises(tropism.APIStatusError, match=says):
        call("ab_tests.create", f"{use_case}-t", f"{use_case}-thumbs", MODELS, guardrails=guardrails, use_case=use_case)


def test_guardrails_need_the_default_among_the_variants(call: Both, use_case: str) -> None:
    call("models.attach", "echo-c", wait=True, make_default=True, use_case=use_case)
    with pytest.raises(tropism.UnprocessableEntityError, match="default model"):
        call(
            "ab_tests.create",
            f"{use_case}-t",
            f"{use_case}-thumbs",
            MODELS,
            guardrails=[{"metric": "latency_ms"}],
            use_case=use_case,
        )


def test_equal_models_end_as_equivalent_when_the_effect_is_named(client: Tropism, use_case: str) -> None:
    test, stars, chance = f"{use_case}-t", f"{use_case}-stars", random.Random(2)
    client.ab_tests.create(test, stars, MODELS, min_effect=0.5, auto_deploy=True, use_case=use_case)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        answer = client.chat.create(HELLO, use_case=use_case).choices[0]
        client.feedback.log_metric(chance.gauss(3.0, 0.5), answer.completion_id, stars)
    done = client.ab_tests.get(test)
    assert done.report.outcome in ("equivalent", "futile")
    assert done.report.winner is None


def test_the_maximum_ends_a_test(client: Tropism, use_case: str) -> None:
    test, thumbs = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, thumbs, MODELS, max_feedbacks=5, use_case=use_case)
    for turn in range(10):
        answer = client.chat.create(HELLO, use_case=use_case).choices[0]
        client.feedback.log_metric(turn % 2, answer.completion_id, thumbs)
    assert client.ab_tests.get(test).report.outcome == "max_feedbacks"


def test_a_test_expires(client: Tropism, use_case: str) -> None:
    test, thumbs = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, thumbs, MODELS, max_days=1e-9, use_case=use_case)
    answer = client.chat.create(HELLO, use_case=use_case).choices[0]
    client.feedback.log_metric(1, answer.completion_id, thumbs)
    done = client.ab_tests.get(test)
    assert (done.status, done.report.outcome) == ("done", "expired")


def test_history_shows_how_the_figures_came_to_be(client: Tropism, use_case: str) -> None:
    test, stars, chance = f"{use_case}-t", f"{use_case}-stars", random.Random(3)
    client.ab_tests.create(test, stars, MODELS, use_case=use_case)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        answer = client.chat.create(HELLO, use_case=use_case).choices[0]
        client.feedback.log_metric(
            chance.gauss(3.0 if answer.model == "echo-a" else 3.9, 1.0), answer.completion_id, stars
        )
    looks = client.ab_tests.history(test)
    counts = [look.feedbacks for look in looks]
    assert counts == sorted(set(counts))
    assert looks[-1].feedbacks == client.ab_tests.get(test).report.feedbacks
    assert looks[-1].p_value == client.ab_tests.get(test).report.p_value
    assert all(len(look.intervals) == 2 for look in looks)


def test_a_broken_split_raises_the_alarm_and_holds_the_promotion_back(client: Tropism, use_case: str) -> None:
    """An application that sends its own choice of completions into the test: nine in ten of one model."""
    test, thumbs, chance = f"{use_case}-t", f"{use_case}-thumbs", random.Random(4)
    client.ab_tests.create(test, thumbs, MODELS, auto_deploy=True, use_case=use_case)
    while client.ab_tests.get(test).status in ("warmup", "in_progress"):
        rows = []
        for _ in range(50):
            model = "echo-b" if chance.random() < 0.9 else "echo-a"
            value = chance.random() < {"echo-a": 0.3, "echo-b": 0.8}[model]
            rows.append(
                {"completion": "Hi", "model": model, "prompt": "Hello", "ab_campaign": test}
                | {"feedbacks": [{"feedback_key": thumbs, "value": value}]}
            )
        client.interactions.create_many(rows, use_case=use_case)  # type: ignore[arg-type]
    done = client.ab_tests.get(test)
    assert (done.report.winner, done.report.sample_ratio.alarm) == ("echo-b", True)
    assert "Beware" in done.report.summary
    assert default_of(client, use_case) == "echo-a"


def test_users_of_one_variant_who_answer_less_often_raise_a_warning(client: Tropism, use_case: str) -> None:
    """Everybody who was sent to `echo-a` answers, and one in three of the others, both alike: nothing but a warning."""
    test, thumbs, chance = f"{use_case}-t", f"{use_case}-thumbs", random.Random(6)
    client.ab_tests.create(test, thumbs, MODELS, use_case=use_case)
    for turn in range(12):
        rows = []
        for model, answering in (("echo-a", 1.0), ("echo-b", 0.33)):
            for _ in range(25):
                value = [{"feedback_key": thumbs, "value": turn % 2}] if chance.random() < answering else []
                rows.append(
                    {"completion": "Hi", "model": model, "prompt": "Hello", "ab_campaign": test, "feedbacks": value}
                )
        client.interactions.create_many(rows, use_case=use_case)  # type: ignore[arg-type]
    found = client.ab_tests.get(test)
    assert found.report.feedback_ratio is not None
    assert (found.status, found.report.sample_ratio.alarm) == ("in_progress", False)
    assert (found.report.feedback_ratio.alarm, "answer less often" in found.report.summary) == (True, True)


def test_returning_users_do_not_look_like_a_broken_split(client: Tropism, use_case: str) -> None:
    """One user sends most requests: the units are even, so there is no alarm."""
    test, user = f"{use_case}-t", uuid4()
    client.ab_tests.create(test, f"{use_case}-thumbs", MODELS, use_case=use_case)
    for _ in range(120):
        client.chat.create(HELLO, user=user, use_case=use_case)
    report = client.ab_tests.get(test).report
    assert sorted(variant.assigned for variant in report.variants) == [0, 120]
    assert sorted(variant.assigned_units for variant in report.variants) == [0, 1]
    assert not report.sample_ratio.alarm


def test_a_shadow_answer_makes_a_pair(client: Tropism, use_case: str) -> None:
    test, thumbs = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, thumbs, MODELS, feedback_type="preference", shadow=1.0, use_case=use_case)
    answer = client.chat.create(HELLO, use_case=use_case).choices[0]
    assert answer.shadow_completion_id is not None
    shadow = eventually(client, answer.shadow_completion_id, use_case)
    assert (shadow.source, shadow.ab_test, shadow.completion) == ("AUTOMATION", test, "Hello")
    assert {shadow.model, answer.model} == set(MODELS)
    client.feedback.log_preference(thumbs, answer.completion_id, shadow.id, use_case=use_case)
    report = client.ab_tests.get(test).report
    assert report.feedbacks == 1
    assert (report.shadow.completions, report.shadow.completion_tokens) == (1, 1)


def eventually(client: Tropism, id: object, use_case: str) -> Interaction:
    """The interaction, which is logged in the background."""
    for _ in range(200):
        found = client.interactions.list(filters={"completion_id": str(id)}, use_case=use_case).nodes
        if found:
            return found[0]
    raise AssertionError("the shadow answer was never logged")


def test_shadow_is_off_unless_asked_for_and_for_preferences_only(call: Both, use_case: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="preference tests"):
        call("ab_tests.create", f"{use_case}-t", f"{use_case}-thumbs", MODELS, shadow=0.5, use_case=use_case)
    call(
        "ab_tests.create", f"{use_case}-t", f"{use_case}-thumbs", MODELS, feedback_type="preference", use_case=use_case
    )
    assert call("chat.create", HELLO, use_case=use_case).choices[0].shadow_completion_id is None


def test_a_plan_says_how_much_feedback_a_test_needs(call: Both) -> None:
    rate = call("ab_tests.plan", 0.06, baseline=0.3)
    assert rate.fixed_horizon == pytest.approx(960, rel=0.05)  # the classical size for .30 against .36
    assert rate.warmup <= rate.median < rate.for_80_percent <= rate.max_feedbacks * 1.2
    assert call("ab_tests.plan", 0.12, baseline=0.3).median < rate.median
    assert call("ab_tests.plan", 0.1, feedback_type="preference", ties=0.3).median > 20
    with pytest.raises(tropism.UnprocessableEntityError, match="baseline"):
        call("ab_tests.plan", 0.1)
    with pytest.raises(tropism.UnprocessableEntityError):
        call("ab_tests.plan", 0.9, baseline=0.3)
