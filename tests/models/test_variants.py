"""Variants: system prompts with gaps, versions, the way back, and two of them in an A/B test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import openai
import pytest
from tests.chat.upstream import Request, Upstream, run_upstream
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.cli import call as shell
from tropism.testing import RunningServer

HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


async def repeat(request: Request) -> None:
    """The provider says what it was told by the system."""
    told = [message["content"] for message in request.body["messages"] if message["role"] == "system"]
    request.answer(" / ".join(told) + f" at {request.body.get('temperature')}")


@pytest.fixture
def backbone(client: Tropism, use_case: str, upstream: Upstream) -> str:
    return upstream.model(client, use_case, repeat)


@pytest.fixture
def variant(client: Tropism, use_case: str, backbone: str) -> str:
    """With a gap for a city; it is the use case's default."""
    key = f"{backbone}-v"
    client.models.add_variant(backbone, key, system_prompt="You are in {{ city }}.", parameters={"temperature": 0.5})
    client.models.attach(key, make_default=True, wait=True, use_case=use_case)
    return key


def said(client: Tropism, use_case: str, args: Any = None, **more: Any) -> str:
    made = client.chat.create(HELLO, system_prompt_args=args, use_case=use_case, **more)
    text: str = made.choices[0].message.content
    return text


# Gaps


def test_a_gap_is_filled_by_the_request_and_logged(call: Both, client: Tropism, use_case: str, variant: str) -> None:
    made = call("chat.create", HELLO, system_prompt_args={"city": "Rome", "other": 1}, use_case=use_case)
    assert made.choices[0].message.content == "You are in Rome. at 0.5"
    logged = client.interactions.get(made.id, use_case=use_case)
    assert (logged.model_version, logged.system_prompt_args) == (1, {"city": "Rome", "other": 1})
    assert [message.content for message in logged.messages] == ["Hello"]
    plain = call("completions.create", "Hello", system_prompt_args={"city": "Rome"}, use_case=use_case)
    assert plain.choices[0].text == "You are in Rome. at 0.5"


def test_openais_client_fills_gaps_too(server: RunningServer, use_case: str, variant: str) -> None:
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key) as theirs:
        more = {"system_prompt_args": {"city": "Rome"}}
        made = theirs.chat.completions.create(model=use_case, messages=HELLO, extra_body=more)
        assert made.choices[0].message.content == "You are in Rome. at 0.5"
        with pytest.raises(openai.UnprocessableEntityError, match="'city' is undefined"):
            theirs.chat.completions.create(model=use_case, messages=HELLO, stream=True)


def test_a_gap_that_is_not_filled_is_a_clear_error_and_leaves_nothing(
    call: Both, client: Tropism, use_case: str, variant: str, upstream: Upstream
) -> None:
    before = len(upstream.requests)
    for args in (None, {}, {"town": "Rome"}):
        with pytest.raises(tropism.UnprocessableEntityError, match="asks for city, but 'city' is undefined") as caught:
            call("chat.create", HELLO, system_prompt_args=args, use_case=use_case)
        assert caught.value.param == "system_prompt_args"
    assert len(upstream.requests) == before
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_what_is_filled_in_is_no_template(client: Tropism, use_case: str, variant: str) -> None:
    evil = "{{ city }}{% for a in 'xxx' %}{{ config }}{% endfor %}"
    assert said(client, use_case, {"city": evil}) == f"You are in {evil}. at 0.5"


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("{{ a.b }} {{ l[1] }}", {"a": {"b": "x"}, "l": [1, 2]}, "x 2"),
        ("{{ a.items }}", {"a": {"items": "mine"}}, "mine"),
        ("{{ tone | default('plain') }}", {}, "plain"),
        ("{% if vip %}Dear {% endif %}{{ name | upper }}", {"vip": True, "name": "ada"}, "Dear ADA"),
        ("{% for f in facts %}{{ loop.index }}. {{ f }}\n{% endfor %}", {"facts": ["a", "b"]}, "1. a\n2. b\n"),
        (
            "{{ tags | join(', ') }} {{ n }} {{ o }}",
            {"tags": ["a", "b"], "n": 1.5, "o": {"k": None}},
            'a, b 1.5 {"k":null}',
        ),
        ("{% raw %}{{ as it is }}{% endraw %} {", {}, "{{ as it is }} {"),
    ],
)
def test_a_template_can_look_at_what_it_is_given(
    client: Tropism, use_case: str, backbone: str, text: str, args: Any, expected: str
) -> None:
    client.models.add_variant(backbone, key := f"{backbone}-{uuid4().hex[:6]}", system_prompt=text)
    client.models.attach(key, use_case=use_case)
    assert said(client, use_case, args, model=key) == f"{expected} at None"


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ range(10) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}{{ x() }}",
        "{% for a in x %}{% for b in x %}{{ b }}{% endfor %}{% endfor %}",
        "{% for a in x recursive %}{{ loop(a) }}{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% set a = 1 %}",
        "{% macro a() %}{% endmacro %}",
        "{{ x | replace('a', 'b') }}",
        "{{ x | join(y) }}",
        "{{ x | map('upper') }}",
        "{{ x",
        "{% if x %}",
        "{{ " + "(" * 2_000 + "x" + ")" * 2_000 + " }}",
        "{{ x }}" * 3_000,
    ],
)
def test_what_computes_calls_or_includes_is_refused(call: Both, client: Tropism, backbone: str, text: str) -> None:
    key = f"{backbone}-{uuid4().hex[:6]}"
    with pytest.raises(tropism.UnprocessableEntityError, match="no template that can be used") as caught:
        call("models.add_variant", backbone, key, system_prompt=text)
    assert caught.value.param == "system_prompt"
    with pytest.raises(tropism.NotFoundError):
        client.models.get(key)


@pytest.mark.parametrize(
    ("text", "args", "why"),
    [
        ("{% for a in x %}{{ a }}{% endfor %}", {"x": [1] * 1_001}, "1001 turns"),
        ("{% for a in x %}" + "y" * 1_000 + "{{ a }}{% endfor %}", {"x": [1] * 1_000}, "longer than 200000"),
        ("{{ x }}", {"x": "y" * 70_000}, "longer than 65536 bytes"),
        ("{{ x.__class__ }}", {"x": {}}, "__class__"),
        ("{{ x.upper }}", {"x": "a"}, "upper"),
        ("{% for a in x %}{{ a }}{% endfor %}", {"x": 5}, "'int'"),
    ],
)
def test_what_a_request_gives_cannot_make_it_run_long_or_reach_out(
    client: Tropism, use_case: str, backbone: str, text: str, args: Any, why: str
) -> None:
    client.models.add_variant(backbone, key := f"{backbone}-{uuid4().hex[:6]}", system_prompt=text)
    client.models.attach(key, use_case=use_case)
    began = time.monotonic()
    with pytest.raises(tropism.UnprocessableEntityError, match=why):
        said(client, use_case, args, model=key)
    assert time.monotonic() - began < 5


# Versions


def test_a_change_is_a_version_and_one_can_go_back(call: Both, client: Tropism, use_case: str, variant: str) -> None:
    before = client.models.get(variant)
    assert before.version == 1
    changed = call("models.update_variant", variant, system_prompt="You love {{ city }}.")
    assert (changed.id, changed.version, changed.parameters) == (before.id, 2, before.parameters)
    assert said(client, use_case, {"city": "Rome"}) == "You love Rome. at 0.5"
    call("models.update_variant", variant, parameters={"temperature": 0})
    assert said(client, use_case, {"city": "Rome"}) == "You love Rome. at 0.0"
    back = call("models.roll_back", variant, 1)
    assert (back.version, back.system_prompt) == (4, before.system_prompt)
    assert said(client, use_case, {"city": "Rome"}) == "You are in Rome. at 0.5"
    found = call("models.versions", variant)
    assert [(each.version, each.restored) for each in found] == [(4, 1), (3, None), (2, None), (1, None)]
    assert [each.system_prompt for each in found[1:3]] == ["You love {{ city }}."] * 2
    assert found[0].created_at >= found[-1].created_at
    logged = client.interactions.list(use_case=use_case).nodes
    assert [each.model_version for each in logged] == [4, 3, 2]


def test_the_last_of_a_prompt_can_be_taken_away(call: Both, client: Tropism, use_case: str, variant: str) -> None:
    assert call("models.update_variant", variant, system_prompt="").system_prompt is None
    assert said(client, use_case) == " at 0.5"


def test_what_cannot_be_a_version_is_refused(call: Both, client: Tropism, variant: str, backbone: str) -> None:
    with pytest.raises(tropism.ConflictError, match="is already, in version 1"):
        call("models.update_variant", variant, system_prompt="You are in {{ city }}.")
    with pytest.raises(tropism.ConflictError, match="is already"):
        call("models.roll_back", variant, 1)
    with pytest.raises(tropism.NotFoundError, match=r"no version 7; models\.versions"):
        call("models.roll_back", variant, 7)
    with pytest.raises(tropism.UnprocessableEntityError, match="no template that can be used"):
        call("models.update_variant", variant, system_prompt="{{ 1 + 1 }}")
    for operation, more in (
        ("update_variant", {"system_prompt": "x"}),
        ("roll_back", {"version": 1}),
        ("versions", {}),
    ):
        with pytest.raises(tropism.UnprocessableEntityError, match="is no variant"):
            call(f"models.{operation}", backbone, **more)
    assert [each.version for each in client.models.versions(variant)] == [1]


def test_who_only_uses_models_changes_none(client: Tropism, server: RunningServer, variant: str) -> None:
    email = f"{uuid4().hex}@example.com"
    client.users.create(email, "x", "default", "developer", kind="service")
    with Tropism(server.base_url, client.api_keys.create("k", user=email).key) as developer:
        assert developer.models.versions(variant)[0].version == 1
        with pytest.raises(tropism.PermissionDeniedError):
            developer.models.update_variant(variant, system_prompt="x")
        with pytest.raises(tropism.PermissionDeniedError):
            developer.models.roll_back(variant, 1)


def test_over_http_and_in_the_shell(
    server: RunningServer,
    client: Tropism,
    variant: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TROPISM_BASE_URL", server.base_url)
    monkeypatch.setenv("TROPISM_API_KEY", server.api_key)
    headers = {"authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=f"{server.base_url}/api/v1/models/{variant}", headers=headers) as http:
        assert http.patch("/variant", json={"system_prompt": "two"}).json()["version"] == 2
        assert http.post("/rollback", json={"version": 1}).json()["version"] == 3
        assert [each["restored"] for each in http.get("/versions").json()["versions"]] == [1, None, None]
    assert shell(["models", "update-variant", variant, "--system-prompt", "four", "--temperature", "1"]) == 0
    assert shell(["models", "roll-back", variant, "2"]) == 0
    capsys.readouterr()
    assert shell(["models", "versions", variant]) == 0
    told = capsys.readouterr().out
    assert "four" in told
    assert "temperature 1" in told
    assert client.models.get(variant).system_prompt == "two"


# Beside tests, fallbacks and caches


def test_two_prompts_of_one_model_are_tested_like_two_models(
    client: Tropism, use_case: str, variant: str, backbone: str
) -> None:
    client.models.add_variant(backbone, other := f"{backbone}-w", system_prompt="Be {{ tone | default('brief') }}.")
    client.models.attach(other, use_case=use_case)
    test = client.ab_tests.create(f"{use_case}-t", f"{use_case}-stars", [variant, other], use_case=use_case)
    with pytest.raises(tropism.ConflictError, match=f"running A/B test '{test.key}'"):
        client.models.update_variant(variant, system_prompt="x")
    for _ in range(20):
        made = client.chat.create(HELLO, system_prompt_args={"city": "Rome"}, use_case=use_case)
        choice = made.choices[0]
        assert choice.message.content == ("You are in Rome. at 0.5" if choice.model == variant else "Be brief. at None")
        client.feedback.log_metric(5 if choice.model == other else 1, choice.completion_id, f"{use_case}-stars")
    report = client.ab_tests.get(test.key).report
    assert sum(each.feedbacks for each in report.variants) == 20
    assert all(each.feedbacks for each in report.variants)
    client.ab_tests.cancel(test.key)
    assert client.models.update_variant(variant, system_prompt="x").version == 2
    client.models.update(other, is_default=True, use_case=use_case)
    assert said(client, use_case) == "Be brief. at None"


def test_a_request_that_one_variant_of_a_test_cannot_be_asked_is_asked_of_none(
    client: Tropism, use_case: str, variant: str
) -> None:
    """Else the variant with the gap would lose its requests, and the test compare unlike ones."""
    client.ab_tests.create(f"{use_case}-t", f"{use_case}-stars", [variant, "echo-a"], use_case=use_case)
    for _ in range(12):
        with pytest.raises(tropism.UnprocessableEntityError, match="'city' is undefined"):
            said(client, use_case)
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_a_fallback_with_a_gap_that_is_not_filled_is_passed_over(
    client: Tropism, use_case: str, variant: str, upstream: Upstream
) -> None:
    async def fail(request: Request) -> None:
        request.send({"error": {"message": "no"}}, status=500)

    first = upstream.model(client, use_case, fail)
    client.models.update(first, fallbacks=[variant, "echo-a"], use_case=use_case)
    made = client.chat.create(HELLO, use_case=use_case)
    assert made.choices[0].model == "echo-a"
    client.models.update(first, fallbacks=[variant], use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="status 500.*'city' is undefined"):
        client.chat.create(HELLO, use_case=use_case)
    assert said(client, use_case, {"city": "Rome"}) == "You are in Rome. at 0.5"


def test_an_answer_that_is_given_again_is_of_the_same_prompt(client: Tropism, use_case: str, variant: str) -> None:
    client.use_cases.update(use_case, cache_seconds=60)

    def is_again(city: str) -> bool:
        made = client.chat.create(HELLO, system_prompt_args={"city": city}, use_case=use_case)
        return made.choices[0].cached_from is not None

    assert [is_again(city) for city in ("Rome", "Rome", "Oslo")] == [False, True, False]
    client.models.update_variant(variant, system_prompt="You love {{ city }}.")
    assert [is_again("Rome"), is_again("Rome")] == [False, True]
