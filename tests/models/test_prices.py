"""Prices of models, and the costs that are logged by them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.chat.upstream import Request, Upstream
from tests.conftest import Both

import tropism
from tropism import Tropism

HELLO = [{"role": "user", "content": "one two three"}]
PRICES = {"input_per_million": 2.0, "output_per_million": 10.0}


async def say(request: Request) -> None:
    request.answer("said", read=1_000, written=100)


async def say_without_usage(request: Request) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "said"}, "finish_reason": "stop"}
    request.send({"choices": [choice]})


def cost(call: Both, use_case: str, **more: Any) -> float | None:
    """What an answer is logged to have cost."""
    id = call("chat.create", HELLO, use_case=use_case, **more).choices[0].completion_id
    found: float | None = call("interactions.get", id, use_case=use_case).cost_usd
    return found


def test_an_answer_costs_what_its_model_says(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    far = upstream.model(client, use_case, say, prices=PRICES)
    assert call("models.get", far).prices.output_per_million == 10
    assert cost(call, use_case) == pytest.approx(0.003)


def test_new_prices_do_not_rewrite_what_was_logged(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    far = upstream.model(client, use_case, say, prices=PRICES)
    costs = [cost(call, use_case)]
    for prices in ({**PRICES, "input_per_million": 1}, None):
        changed = call("models.update_prices", far, prices)
        assert (changed.prices is None) == (prices is None)
        costs.append(cost(call, use_case))
    assert costs == [pytest.approx(0.003), pytest.approx(0.002), None]
    nodes = client.interactions.list(order=[{"field": "cost_usd", "order": "DESC"}], use_case=use_case).nodes
    assert [node.cost_usd for node in nodes] == costs
    (group,) = client.interactions.list(group_by="model", use_case=use_case).groups
    assert group.count == 3
    assert group.cost_usd == pytest.approx(0.005)


def test_a_variant_costs_what_its_backbone_does(call: Both, client: Tropism, use_case: str, upstream: Upstream) -> None:
    far = upstream.model(client, use_case, say, prices=PRICES)
    client.models.add_variant(far, f"{far}-v", system_prompt="Be brief.")
    client.models.attach(f"{far}-v", use_case=use_case)
    assert call("models.get", f"{far}-v").prices == call("models.get", far).prices
    assert cost(call, use_case, model=f"{far}-v") == pytest.approx(0.003)
    with pytest.raises(tropism.ConflictError, match="change that model"):
        call("models.update_prices", f"{far}-v", PRICES)


def test_without_prices_or_counted_tokens_the_cost_is_unknown(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    assert cost(call, use_case) is None
    upstream.model(client, use_case, say_without_usage, prices=PRICES)
    assert cost(call, use_case) is None
    assert all(each.cost_usd is None for each in client.interactions.list(group_by="model", use_case=use_case).groups)


def test_a_fallbacks_answer_costs_what_the_fallback_does(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    async def fail(request: Request) -> None:
        request.send({}, status=500)

    good = upstream.model(client, use_case, say, prices=PRICES)
    asked = upstream.model(client, use_case, fail, prices={"input_per_million": 1000, "output_per_million": 1000})
    client.models.update(asked, fallbacks=[good], use_case=use_case)
    assert cost(call, use_case) == pytest.approx(0.003)


@pytest.mark.parametrize("prices", [{"input_per_million": -1, "output_per_million": 1}, {"input_per_million": 1}])
def test_prices_that_cannot_be_are_refused(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, prices: dict[str, float]
) -> None:
    far = upstream.model(client, use_case, say, prices=PRICES)
    with pytest.raises(tropism.UnprocessableEntityError):
        call("models.update_prices", far, prices)
    assert call("models.get", far).prices.input_per_million == 2
