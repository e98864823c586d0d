"""Chat inside an A/B test: whose failure is counted, and how many answers are made only to be compared."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2
import pytest
from tests.chat.upstream import SECONDS, Request, Upstream, eventually

import tropism
from tropism import Tropism
from tropism.server.domains.chat.shadow import AT_ONCE
from tropism.testing import RunningServer
from tropism.wire.ab_tests import FeedbackType, Guardrail

HELLO = [{"role": "user", "content": "Hello"}]


def test_the_variant_that_failed_is_the_one_that_is_blamed(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    """Both variants answer each request; the one that fails is counted, whichever of them stands first."""

    async def fail(request: Request) -> None:
        request.send({"error": {"message": "no"}}, status=500)

    broken = upstream.model(client, use_case, fail)
    test, models = f"{use_case}-t", ["echo-a", broken]
    client.ab_tests.create(test, f"{use_case}-thumbs", models, feedback_type="preference", use_case=use_case)
    body, headers = {"model": use_case, "messages": HELLO, "n": 2}, {"Authorization": f"Bearer {server.api_key}"}
    for _ in range(12):  # all of them with the broken one first: one in 4,000
        said = httpx2.post(f"{server.base_url}/api/v1/chat/completions", json=body, headers=headers)
        assert said.status_code in (502, 503), "after some failures it is not asked again for a while"

    def errors() -> dict[str, int]:
        return {variant.variant: variant.errors for variant in client.ab_tests.get(test).report.variants}

    # Failures are counted in the background, since nobody waits for that.
    eventually(lambda: sum(errors().values()) >= 12)
    assert errors() == {"echo-a": 0, broken: 12}


async def fail(request: Request) -> None:
    request.send({"error": {"message": "no"}}, status=500)


async def say_hi(request: Request) -> None:
    request.answer("Hi", read=100, written=10)


def test_a_fallbacks_answer_counts_for_the_variant_that_was_drawn(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    """`broken` never answers and `echo-a` always does it instead: what users make of that is `broken`'s."""
    broken = upstream.model(client, use_case, fail)
    client.models.update(broken, fallbacks=["echo-a"], use_case=use_case)
    test, thumbs, drawn = f"{use_case}-t", f"{use_case}-thumbs", dict.fromkeys(("echo-a", broken), 0)
    client.ab_tests.create(test, thumbs, ["echo-a", broken], use_case=use_case)
    for _ in range(24):
        choice = client.chat.create(HELLO, use_case=use_case).choices[0]
        assert choice.model == "echo-a"
        client.feedback.log_metric(1, choice.completion_id, thumbs)
        found = client.interactions.get(choice.completion_id, use_case=use_case)
        assert (found.model, found.ab_test) == ("echo-a", test)
        drawn[found.assigned_model or "echo-a"] += 1
    assert min(drawn.values()) > 0  # or all draws fell alike: one in eight million
    a, b = client.ab_tests.get(test).report.variants
    assert (a.assigned, a.feedbacks, a.errors, a.fallbacks) == (drawn["echo-a"], drawn["echo-a"], 0, 0)
    assert (b.assigned, b.feedbacks, b.errors, b.fallbacks) == (drawn[broken],) * 4


def test_a_preference_between_two_answers_of_one_model_counts_for_those_that_were_drawn(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    broken = upstream.model(client, use_case, fail)
    client.models.update(broken, fallbacks=["echo-a"], use_case=use_case)
    test, thumbs = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, thumbs, ["echo-a", broken], feedback_type="preference", use_case=use_case)
    choices = client.chat.create(HELLO, n=2, use_case=use_case).choices
    assert [choice.model for choice in choices] == ["echo-a", "echo-a"]
    own, instead = sorted(
        choices,
        key=lambda choice: client.interactions.get(choice.completion_id, use_case=use_case).assigned_model or "",
    )
    client.feedback.log_preference(thumbs, own.completion_id, instead.completion_id, use_case=use_case)
    (compared,) = client.ab_tests.get(test).report.variants[0].comparisons
    assert (compared.variant, compared.wins, compared.losses) == (broken, 1, 0)


@pytest.mark.parametrize("feedback_type", ["metric", "preference"])
def test_several_answers_to_one_request_are_one_unit_of_their_variant(
    client: Tropism, use_case: str, feedback_type: FeedbackType
) -> None:
    """Else ten answers to each of a few requests would look like a broken split."""
    test, thumbs, models = f"{use_case}-t", f"{use_case}-thumbs", ["echo-a", "echo-b"]
    client.ab_tests.create(test, thumbs, models, feedback_type=feedback_type, use_case=use_case)
    for _ in range(12):
        client.chat.create(HELLO, n=5, use_case=use_case)
    variants = client.ab_tests.get(test).report.variants
    assert sum(variant.assigned for variant in variants) == 60
    in_each = 1 if feedback_type == "metric" else 2  # which gives all the answers, or those in turn
    assert sum(variant.assigned_units for variant in variants) == 12 * in_each


def test_a_variant_that_always_falls_back_breaks_its_guardrail(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    broken = upstream.model(client, use_case, fail)
    client.models.update(broken, fallbacks=["echo-a"], use_case=use_case)
    client.models.update("echo-a", is_default=True, use_case=use_case)
    test, guardrails = f"{use_case}-t", [Guardrail(metric="error_rate", tolerance=0.1)]
    client.ab_tests.create(
        test,
        f"{use_case}-thumbs",
        ["echo-a", broken],
        guardrails=guardrails,
        auto_deploy=True,
        use_case=use_case,
    )
    while (found := client.ab_tests.get(test)).status in ("warmup", "in_progress"):
        client.chat.create(HELLO, use_case=use_case)
    (harm,) = found.report.guardrails
    assert (found.report.outcome, harm.metric, harm.variant, harm.worsening) == (
        "guardrail",
        "error_rate",
        broken,
        1.0,
    )
    assert client.chat.create(HELLO, use_case=use_case).choices[0].model == "echo-a"


def test_cost_can_be_a_guardrail(client: Tropism, use_case: str, upstream: Upstream) -> None:
    """A dear model is stopped, at the worsening that its prices say: 100 tokens read and 10 written by each."""
    prices = {"input_per_million": 1.0, "output_per_million": 10.0}
    dear = upstream.model(client, use_case, say_hi, prices={**prices, "input_per_million": 3.0})
    cheap = upstream.model(client, use_case, say_hi, prices=prices)
    test, guardrails = f"{use_case}-t", [Guardrail(metric="cost_usd", tolerance=0.0001)]
    client.ab_tests.create(
        test,
        f"{use_case}-thumbs",
        [cheap, dear],
        guardrails=guardrails,
        auto_deploy=True,
        use_case=use_case,
    )
    while (found := client.ab_tests.get(test)).status in ("warmup", "in_progress"):
        client.chat.create(HELLO, user=uuid4(), use_case=use_case)
    (harm,) = found.report.guardrails
    assert (found.report.outcome, harm.metric, harm.variant) == ("guardrail", "cost_usd", dear)
    assert harm.worsening == pytest.approx(0.0002)
    groups = client.interactions.list(group_by="model", use_case=use_case).groups
    assert {group.model: group.cost_usd for group in groups} == {
        group.model: pytest.approx(group.count * {cheap: 0.0002, dear: 0.0004}[group.model or ""]) for group in groups
    }


def test_a_cost_guardrail_needs_prices_of_every_variant(client: Tropism, use_case: str, upstream: Upstream) -> None:
    far = upstream.model(client, use_case, say_hi, prices={"input_per_million": 1, "output_per_million": 1})
    with pytest.raises(tropism.UnprocessableEntityError, match=r"prices of 'echo-a'.*update_prices\('echo-a'"):
        client.ab_tests.create(
            f"{use_case}-t",
            f"{use_case}-thumbs",
            ["echo-a", far],
            guardrails=[{"metric": "cost_usd"}],
            use_case=use_case,
        )


@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/v1/chat/completions"])
def test_a_stream_names_its_shadow_answer_with_the_last_chunk(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream, path: str
) -> None:
    prices = {"input_per_million": 1.0, "output_per_million": 10.0}

    async def both_ways(request: Request) -> None:
        if not request.body.get("stream"):
            await say_hi(request)
            return
        request.begin()
        await request.say("Hi")
        await request.end()

    models = [upstream.model(client, use_case, both_ways, prices=prices) for _ in range(2)]
    test, thumbs = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, thumbs, models, feedback_type="preference", shadow=1.0, use_case=use_case)
    body = {"model": use_case, "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    said = httpx2.post(server.base_url + path, json=body, headers={"Authorization": f"Bearer {server.api_key}"})
    chunks = [json.loads(line.removeprefix("data: ")) for line in said.text.split("\n\n")[:-2]]
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert [choice["finish_reason"] for choice in choices] == [*[None] * (len(choices) - 1), "stop"]
    named = [choice.get("shadow_completion_id") for choice in choices]
    assert named[:-1] == [None] * (len(choices) - 1)
    eventually(lambda: client.ab_tests.get(test).report.shadow.completions)
    shadow = client.interactions.get(named[-1], use_case=use_case)
    assert (shadow.source, shadow.model in models) == ("AUTOMATION", True)
    assert shadow.cost_usd == pytest.approx(0.0002)
    report = client.ab_tests.get(test).report.shadow
    assert (report.prompt_tokens, report.completion_tokens) == (100, 10)
    assert report.cost_usd == pytest.approx(0.0002)


def test_a_shadow_answer_has_no_fallback(client: Tropism, use_case: str, upstream: Upstream) -> None:
    """It would be compared under the name of the variant that failed. Both variants fail; users hear the fallback."""
    asked: list[Request] = []

    async def note_and_fail(request: Request) -> None:
        asked.append(request)
        await fail(request)

    models = [upstream.model(client, use_case, note_and_fail) for _ in range(2)]
    for model in models:
        client.models.update(model, fallbacks=["echo-a"], use_case=use_case)
    test, thumbs = f"{use_case}-t", f"{use_case}-thumbs"
    client.ab_tests.create(test, thumbs, models, feedback_type="preference", shadow=1.0, use_case=use_case)
    for turn in range(1, 4):
        choice = client.chat.create(HELLO, use_case=use_case).choices[0]
        assert (choice.model, choice.shadow_completion_id is None) == ("echo-a", False)
        eventually(lambda: len(asked) >= 2 * turn)  # noqa: B023
    assert client.interactions.list(use_case=use_case).total_count == 3
    assert client.ab_tests.get(test).report.shadow.completions == 0


def test_shadow_answers_are_bounded_also_when_many_come_at_once(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    """Forty answers end at one moment, while no shadow answer ends: only some of them get one."""
    answered, compared = threading.Event(), threading.Event()
    many, seen = 40, []

    async def wait(request: Request) -> None:
        seen.append(request)
        end = answered if len(seen) <= many else compared
        while not end.is_set():
            await asyncio.sleep(0.01)
        request.answer("Hi")

    one, two = upstream.model(client, use_case, wait), upstream.model(client, use_case, wait)
    test = f"{use_case}-t"
    client.ab_tests.create(
        test, f"{use_case}-thumbs", [one, two], feedback_type="preference", shadow=1.0, use_case=use_case
    )
    with ThreadPoolExecutor(many) as workers:
        asked = [workers.submit(client.chat.create, HELLO, use_case=use_case) for _ in range(many)]
        while len(seen) < many:
            threading.Event().wait(0.01)
        answered.set()
        choices = [each.result(SECONDS).choices[0] for each in asked]
    compared.set()
    assert len([choice for choice in choices if choice.shadow_completion_id]) == AT_ONCE
