"""Answers that are given again, against a provider that never says the same twice."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import openai
import pytest
from tests.chat.plays import asked, in_turn
from tests.chat.upstream import Play, Request, Upstream, eventually
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "one two"}]
PRICES = {"input_per_million": 1.0, "output_per_million": 2.0}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


def numbered(finish_reason: str = "stop", **more: Any) -> Play:
    """Each answer is another number."""
    numbers = count(1)

    async def play(request: Request) -> None:
        text = f"answer {next(numbers)}"
        if request.body.get("stream"):
            request.begin()
            await request.say(text[:4])
            await request.say(text[4:])
            await request.end()
            return
        message = {"role": "assistant", "content": text, **more}
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        request.send({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], "usage": usage})

    return play


@pytest.fixture
def model(client: Tropism, use_case: str, upstream: Upstream) -> str:
    """The default model of a use case that caches."""
    key = upstream.model(client, use_case, numbered(), prices=PRICES)
    client.use_cases.update(use_case, cache_seconds=60)
    return key


def said(client: Tropism, use_case: str, messages: Any = HELLO, **more: Any) -> str:
    text: str = client.chat.create(messages, use_case=use_case, **more).choices[0].message.content
    return text


# What is given again


def test_a_use_case_says_whether_it_caches(call: Both, use_case: str) -> None:
    before = call("use_cases.get", use_case)
    assert (before.cache_seconds, before.cache_answers) == (None, 10_000)
    changed = call("use_cases.update", use_case, cache_seconds=60, cache_answers=5)
    assert (changed.cache_seconds, changed.cache_answers) == (60, 5)
    assert call("use_cases.update", use_case, name="x").cache_seconds == 60
    assert call("use_cases.update", use_case, cache_seconds=0).cache_seconds is None


@pytest.mark.parametrize("wrong", [{"cache_seconds": -1}, {"cache_answers": 0}, {"cache_seconds": 10**9}])
def test_what_cannot_be_meant_is_refused(call: Both, use_case: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(tropism.UnprocessableEntityError, match="cache_"):
        call("use_cases.update", use_case, **wrong)


def test_nothing_is_given_again_unless_the_use_case_wants_it(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    upstream.model(client, use_case, numbered())
    assert [said(client, use_case) for _ in range(2)] == ["answer 1", "answer 2"]


def test_an_answer_is_given_again_costs_nothing_and_says_so(
    call: Both, client: Tropism, use_case: str, model: str, upstream: Upstream
) -> None:
    first = call("chat.create", HELLO, use_case=use_case)
    again = call("chat.create", HELLO, use_case=use_case, user=uuid4(), labels={"a": "b"})
    assert [each.choices[0].message.content for each in (first, again)] == ["answer 1"] * 2
    assert (first.choices[0].cached_from, again.choices[0].cached_from) == (None, first.choices[0].completion_id)
    assert (first.usage.total_tokens, again.usage.total_tokens) == (8, 0)
    assert asked(upstream, model) == 1
    made, given = (client.interactions.get(each.id, use_case=use_case) for each in (first, again))
    assert made.cost_usd == pytest.approx(13e-6)
    assert given.cost_usd == 0.0
    assert (made.cached_from, given.cached_from) == (None, made.id)
    assert (given.completion, given.messages, given.model, given.labels) == (
        "answer 1",
        made.messages,
        model,
        {"a": "b"},
    )
    assert given.timings.latency_ms is not None
    (cost,) = client.costs.query(["model"], use_case=use_case).costs
    assert (cost.requests, cost.prompt_tokens, cost.completion_tokens) == (2, 3, 5)
    assert cost.cost_usd == pytest.approx(13e-6)
    assert call("feedback.log_metric", 5, given.id, f"{use_case}-stars").value == 5


def test_it_says_nothing_of_how_fast_the_model_is(client: Tropism, use_case: str, model: str) -> None:
    for _ in range(3):
        said(client, use_case)
    (trend,) = client.trends.query("latency_ms", use_case=use_case).models
    assert trend.count == 1
    (group,) = client.interactions.list(group_by="model", use_case=use_case).groups
    (made,) = [each for each in client.interactions.list(use_case=use_case).nodes if each.cached_from is None]
    assert (group.count, group.mean_latency_ms) == (3, made.timings.latency_ms)


@pytest.mark.parametrize("first", [False, True], ids=["whole first", "stream first"])
def test_streams_and_whole_answers_are_one_answer(
    call: Both, client: Tropism, use_case: str, model: str, upstream: Upstream, first: bool
) -> None:
    told = []
    for stream in (first, not first, True):
        answer = call("chat.create", HELLO, stream=stream, stream_include_usage=stream or None, use_case=use_case)
        if not stream:
            told.append((answer.choices[0].message.content, answer.choices[0].cached_from))
            continue
        *chunks, usage = call.items(answer)
        text = "".join(chunk.choices[0].delta.content for chunk in chunks)
        told.append((text, chunks[-1].choices[0].cached_from))
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert usage.choices == []
    assert [text for text, _ in told] == ["answer 1"] * 3
    assert [cached is None for _, cached in told] == [True, False, False]
    assert asked(upstream, model) == 1


def test_plain_completions_and_openais_clients_have_it_too(
    server: RunningServer, client: Tropism, use_case: str, model: str
) -> None:
    first = client.completions.create("one two", use_case=use_case).choices[0]
    assert client.completions.create("one two", use_case=use_case).choices[0].cached_from == first.completion_id
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key) as theirs:
        raw = theirs.chat.completions.with_raw_response.create(model=use_case, messages=HELLO)  # type: ignore[arg-type]
        assert raw.headers["x-tropism-cache"] == "hit"
        assert raw.parse().choices[0].cached_from == str(first.completion_id)  # type: ignore[attr-defined]
        messages: Any = HELLO
        pieces = theirs.chat.completions.create(model=use_case, messages=messages, stream=True)
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "answer 1"


def test_calls_of_tools_are_given_again(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    upstream.model(client, use_case, numbered("tool_calls", content=None, tool_calls=[CALL]))
    client.use_cases.update(use_case, cache_seconds=60)
    first, again = (call("chat.create", HELLO, tools=[TOOL], use_case=use_case).choices[0] for _ in range(2))
    assert (again.cached_from, again.finish_reason) == (first.completion_id, "tool_calls")
    assert again.message == first.message
    chunks = call.items(call("chat.create", HELLO, tools=[TOOL], stream=True, use_case=use_case))
    (fragment,) = chunks[0].choices[0].delta.tool_calls
    assert (fragment.id, fragment.function.name, fragment.function.arguments) == ("call_1", "look", '{"at": 1}')


def test_several_answers_are_several(client: Tropism, use_case: str, model: str) -> None:
    first, again = (client.chat.create(HELLO, n=2, use_case=use_case).choices for _ in range(2))
    assert sorted(choice.message.content for choice in first) == ["answer 1", "answer 2"]
    assert [c.message.content for c in again] == [c.message.content for c in first]
    assert [c.cached_from for c in again] == [c.completion_id for c in first]
    assert said(client, use_case) == "answer 3"


# What is another question


@pytest.mark.parametrize(
    "other",
    [
        {"messages": [{"role": "user", "content": "one two "}]},
        {"messages": [{"role": "system", "content": ""}, *HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "one two"}]}]},
        {"messages": [{"role": "user", "content": "one two", "name": "ada"}]},
        {"max_tokens": 10},
        {"temperature": 0},
        {"top_p": 0.5},
        {"stop": ["x"]},
        {"seed": 1},
        {"response_format": {"type": "json_object"}},
        {"response_format": SCHEMA},
        {"tools": [TOOL]},
        {"tools": [TOOL], "tool_choice": "none"},
        {"tools": [TOOL], "parallel_tool_calls": False},
    ],
    ids=str,
)
def test_whatever_can_change_the_answer_makes_another_question(
    client: Tropism, use_case: str, model: str, other: dict[str, Any]
) -> None:
    assert said(client, use_case) == "answer 1"
    assert said(client, use_case, **other) == "answer 2"
    assert said(client, use_case, **other) == "answer 2"
    assert said(client, use_case) == "answer 1"


def test_use_cases_share_nothing(client: Tropism, use_case: str, model: str) -> None:
    assert said(client, use_case) == "answer 1"
    client.use_cases.create(other := f"other-{use_case}", team="default")
    client.use_cases.update(other, cache_seconds=60)
    client.models.attach(model, make_default=True, use_case=other)
    assert said(client, other) == "answer 2"


def test_another_model_or_prompt_or_attachment_is_asked_anew(client: Tropism, use_case: str, model: str) -> None:
    assert said(client, use_case) == "answer 1"
    for text in ("Be brief.", "Be kind."):
        client.models.add_variant(model, key := f"{model}-{text[3]}", system_prompt=text)
        client.models.attach(key, use_case=use_case)
    assert said(client, use_case, model=f"{model}-b") == "answer 2"
    assert said(client, use_case, model=f"{model}-k") == "answer 3"
    assert said(client, use_case, model=model) == "answer 1", "by name it is the same model"
    client.models.detach(model, use_case=use_case)
    client.models.attach(model, make_default=True, use_case=use_case)
    assert said(client, use_case) == "answer 4"


def test_a_model_that_is_taken_offline_says_nothing(client: Tropism, use_case: str, model: str) -> None:
    said(client, use_case)
    client.models.update(model, desired_online=False, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="taken offline"):
        said(client, use_case)


def test_what_is_elsewhere_may_change(client: Tropism, use_case: str, model: str) -> None:
    def about(url: str) -> Any:
        return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]

    assert [said(client, use_case, about("https://example.com/a.png")) for _ in range(2)] == ["answer 1", "answer 2"]
    assert [said(client, use_case, about("data:image/png;base64,AA==")) for _ in range(2)] == ["answer 3"] * 2
    assert [said(client, use_case, logprobs=True) for _ in range(2)] == ["answer 4", "answer 5"]


# What is not kept


def test_half_an_answer_is_not_one(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def halting(request: Request) -> None:
        request.begin()
        await request.say("half")
        await request.until_gone()

    upstream.model(client, use_case, in_turn(halting, numbered()))
    client.use_cases.update(use_case, cache_seconds=60)
    call.first(call("chat.create", HELLO, stream=True, use_case=use_case))
    assert eventually(lambda: client.interactions.list(use_case=use_case).total_count == 1)
    assert said(client, use_case) == "answer 1"


@pytest.mark.parametrize("finish_reason", ["length", "content_filter"])
def test_an_answer_that_did_not_end_well_is_made_anew(
    client: Tropism, use_case: str, upstream: Upstream, finish_reason: str
) -> None:
    upstream.model(client, use_case, numbered(finish_reason))
    client.use_cases.update(use_case, cache_seconds=60)
    assert [said(client, use_case) for _ in range(2)] == ["answer 1", "answer 2"]


def test_a_fallbacks_answer_is_not_its_own(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def fail(request: Request) -> None:
        request.send({"error": {"message": "no"}}, status=500)

    spare = upstream.model(client, use_case, numbered())
    first = upstream.model(client, use_case, fail)
    client.models.update(first, fallbacks=[spare], use_case=use_case)
    client.use_cases.update(use_case, cache_seconds=60)
    assert [said(client, use_case) for _ in range(2)] == ["answer 1", "answer 2"]
    assert said(client, use_case, model=spare) == "answer 3"


def test_what_is_not_stored_takes_no_part(client: Tropism, use_case: str, model: str) -> None:
    assert said(client, use_case, store=False) == "answer 1"
    assert said(client, use_case) == "answer 2"
    assert said(client, use_case, store=False) == "answer 3"


def test_what_was_blotted_out_cannot_be_given_again(client: Tropism, use_case: str, model: str) -> None:
    client.use_cases.update(use_case, redact=["email"])
    secret = [{"role": "user", "content": "I am a@b.de"}]
    assert [said(client, use_case, secret) for _ in range(2)] == ["answer 1", "answer 2"]
    assert [said(client, use_case) for _ in range(2)] == ["answer 3"] * 2


def test_what_is_deleted_is_made_anew(client: Tropism, use_case: str, model: str) -> None:
    user = uuid4()
    said(client, use_case, user=user)
    client.interactions.delete(user=user, use_case=use_case)
    assert said(client, use_case) == "answer 2"


def test_the_caller_may_want_it_anew(server: RunningServer, client: Tropism, use_case: str, model: str) -> None:
    assert said(client, use_case) == "answer 1"
    for wish, expected in (("no-cache", "answer 2"), ("no-store", "answer 3")):
        with Tropism(server.base_url, server.api_key, default_headers={"Cache-Control": wish}) as picky:
            assert said(picky, use_case) == expected
    assert said(client, use_case) == "answer 2", "the latest that was to be kept"


# How long, and how many


def test_an_answer_grows_old(client: Tropism, use_case: str, model: str) -> None:
    client.use_cases.update(use_case, cache_seconds=1)
    assert said(client, use_case) == "answer 1"
    assert eventually(lambda: said(client, use_case) == "answer 2")


def test_nothing_of_before_is_left_when_it_is_switched_off(client: Tropism, use_case: str, model: str) -> None:
    assert said(client, use_case) == "answer 1"
    client.use_cases.update(use_case, cache_seconds=0)
    assert said(client, use_case) == "answer 2"
    client.use_cases.update(use_case, cache_seconds=60)
    assert [said(client, use_case) for _ in range(2)] == ["answer 3"] * 2


def test_it_outlives_the_engine_and_no_more_is_kept_than_wanted(tmp_path: Path) -> None:
    def repeated(client: Tropism, text: str) -> bool:
        said = client.chat.create([{"role": "user", "content": text}], use_case="default")
        return said.choices[0].cached_from is not None

    texts = [f"question {number}" for number in range(5)]
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.models.attach("echo", make_default=True, wait=True, use_case="default")
        client.use_cases.update("default", cache_seconds=60, cache_answers=2)
        assert [repeated(client, text) for text in texts * 2] == [False] * 5 + [True] * 5
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        assert [repeated(client, text) for text in texts[3:]] == [True, True]
        assert eventually(lambda: not repeated(client, "question 0"))


# Beside limits and tests


def test_a_limit_counts_the_request_and_no_tokens(client: Tropism, use_case: str, model: str) -> None:
    client.limits.set("requests", 4, "day", use_case=use_case)
    client.limits.set("tokens", 9, "day", use_case=use_case)
    assert [said(client, use_case) for _ in range(3)] == ["answer 1"] * 3
    with pytest.raises(tropism.RateLimitError, match="tokens per day"):
        said(client, use_case, temperature=0)
    assert said(client, use_case) == "answer 1"
    with pytest.raises(tropism.RateLimitError, match="requests per day"):
        said(client, use_case)
    assert [limit.used for limit in client.limits.list(use_case=use_case)] == [4, 8]


def test_a_test_is_not_answered_from_the_cache_and_keeps_nothing_in_it(
    client: Tropism, use_case: str, model: str
) -> None:
    assert said(client, use_case) == "answer 1"
    client.ab_tests.create(f"{use_case}-test", f"{use_case}-stars", [model, "echo-a"], use_case=use_case)
    drawn = [client.chat.create(HELLO, use_case=use_case).choices[0] for _ in range(12)]
    assert all(choice.cached_from is None for choice in drawn)
    far = [choice.message.content for choice in drawn if choice.model == model]
    assert len(set(far)) == len(far) > 0
    assert client.chat.create(HELLO, model=model, use_case=use_case).choices[0].message.content == "answer 1"
    (test,) = client.ab_tests.list(use_case=use_case)
    assert sum(variant.assigned for variant in test.report.variants) == 12
    client.ab_tests.cancel(test.key)
    assert said(client, use_case) == "answer 1"


def test_who_looks_at_the_metrics_sees_how_often(
    server: RunningServer, client: Tropism, use_case: str, model: str
) -> None:
    for _ in range(3):
        said(client, use_case)
    headers = {"authorization": f"Bearer {server.api_key}"}
    text = httpx2.get(f"{server.base_url}/metrics", headers=headers).text
    assert f'tropism_cache_lookups_total{{result="hit",use_case="{use_case}"}} 2.0' in text
    assert f'tropism_cache_lookups_total{{result="miss",use_case="{use_case}"}} 1.0' in text
