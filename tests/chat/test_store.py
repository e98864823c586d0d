"""Requests with `store=False`: answered like all others; then only what they cost is known of them."""

from __future__ import annotations

from uuid import uuid4

import openai
import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two three"}]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_nothing_is_stored_but_what_it_cost(call: Both, client: Tropism, use_case: str, stream: bool) -> None:
    made = call("chat.create", HELLO, stream=stream, store=False, user=uuid4(), use_case=use_case)
    choice = call.items(made)[0].choices[0] if stream else made.choices[0]
    (cost,) = client.costs.query(["user"], use_case=use_case).costs
    assert (cost.requests, cost.prompt_tokens, cost.user) == (1, 3, None)
    assert client.interactions.list(use_case=use_case).total_count == 0
    with pytest.raises(tropism.NotFoundError):
        call("interactions.get", choice.completion_id, use_case=use_case)
    with pytest.raises(tropism.NotFoundError):
        call("feedback.log_metric", 5, choice.completion_id, f"{use_case}-stars")


def test_plain_completions_and_openais_client_say_it_too(
    server: RunningServer, call: Both, client: Tropism, use_case: str
) -> None:
    assert call("completions.create", "one two", store=False, use_case=use_case).choices[0].text == "one two"
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key) as theirs:
        said = theirs.chat.completions.create(
            model=use_case, messages=[{"role": "user", "content": "one"}], store=False
        )
    assert said.choices[0].message.content == "one"
    assert client.interactions.list(use_case=use_case).total_count == 0


def test_a_test_may_choose_the_model_and_counts_nothing(client: Tropism, use_case: str) -> None:
    client.ab_tests.create(f"{use_case}-test", f"{use_case}-stars", ["echo-a", "echo-b"], use_case=use_case)
    models = {client.chat.create(HELLO, store=False, use_case=use_case).choices[0].model for _ in range(20)}
    assert models == {"echo-a", "echo-b"}
    (test,) = client.ab_tests.list(use_case=use_case)
    assert [variant.assigned for variant in test.report.variants] == [0, 0]


def test_stored_and_not_stored_answers_are_written_together(client: Tropism, use_case: str) -> None:
    for store in (False, True, None):
        client.chat.create(HELLO, store=store, use_case=use_case)
    assert client.interactions.list(use_case=use_case).total_count == 2
