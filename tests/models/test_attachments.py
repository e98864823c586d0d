"""Models in use cases, and their engines while traffic flows."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from tests.chat.upstream import SECONDS, Request, Upstream, eventually
from tests.conftest import Both

import tropism
from tropism import AsyncTropism, Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two three"}]


async def play_answer(request: Request) -> None:
    request.answer("said")


def service(call: Both, use_case: str, model: str) -> Any:
    found = call("use_cases.get", use_case).model_services
    return next((each for each in found if each.model.key == model), None)


def test_attaching_deploys_and_waits(call: Both, client: Tropism, use_case: str, upstream: Upstream, key: str) -> None:
    upstream.plays[key] = play_answer
    client.models.add_external(key, key, "", "custom", endpoint=upstream.url)
    made = call("models.attach", key, wait=True, use_case=use_case)
    assert (made.online, made.model.online, made.is_default, made.desired_online) == ("ONLINE", "ONLINE", False, True)
    assert made == service(call, use_case, key)
    assert call("models.get", key).online == "ONLINE"
    assert call("chat.create", HELLO, model=key, use_case=use_case).choices[0].message.content == "said"


def test_attaching_again_changes_what_is_given(call: Both, use_case: str) -> None:
    placed = {"compute_pools": ["pool"], "max_ttft_ms": 100}
    made = call("models.attach", "echo-b", placement=placed, use_case=use_case)
    assert (made.placement.compute_pools, made.placement.max_ttft_ms, made.is_default) == (["pool"], 100, False)
    made = call("models.attach", "echo-b", make_default=True, use_case=use_case)
    assert (made.placement.max_ttft_ms, made.is_default) == (100, True)
    assert not service(call, use_case, "echo-a").is_default
    assert len(call("use_cases.get", use_case).model_services) == 2


def test_attaching_wants_a_model_online_again(call: Both, use_case: str) -> None:
    call("models.update", "echo-b", desired_online=False, use_case=use_case)
    made = call("models.attach", "echo-b", wait=True, wait_timeout=5, use_case=use_case)
    assert (made.online, made.desired_online) == ("ONLINE", True)


def test_there_is_one_default_and_it_can_be_none(call: Both, use_case: str) -> None:
    call("models.update", "echo-b", is_default=True, use_case=use_case)
    assert call("chat.create", HELLO, use_case=use_case).model == "echo-b"
    assert [each.model.key for each in call("use_cases.get", use_case).model_services if each.is_default] == ["echo-b"]
    call("models.update", "echo-b", is_default=False, use_case=use_case)
    with pytest.raises(tropism.NotFoundError, match="has no default model"):
        call("chat.create", HELLO, use_case=use_case)


def test_none_changes_nothing(call: Both, use_case: str) -> None:
    before = service(call, use_case, "echo-a")
    assert call("models.update", "echo-a", use_case=use_case) == before
    assert service(call, use_case, "echo-a") == before


def test_desired_online_is_a_use_cases_own_matter(call: Both, client: Tropism, use_case: str) -> None:
    other = f"case-{uuid4().hex}"
    client.use_cases.create(other)
    client.models.attach("echo-a", make_default=True, wait=True, use_case=other)
    made = call("models.update", "echo-a", desired_online=False, use_case=use_case)
    assert (made.online, made.model.online, made.desired_online) == ("OFFLINE", "ONLINE", False)
    with pytest.raises(tropism.InternalServerError, match="taken offline for this use case") as caught:
        call("chat.create", HELLO, use_case=use_case)
    assert (caught.value.status_code, caught.value.type) == (503, "engine_unavailable")
    assert call("chat.create", HELLO, use_case=other).choices
    call("models.update", "echo-a", desired_online=True, use_case=use_case)
    assert call("chat.create", HELLO, use_case=use_case).choices


def test_detaching_keeps_the_model_and_its_log(call: Both, use_case: str) -> None:
    answer = call("chat.create", HELLO, model="echo-b", use_case=use_case)
    call("models.detach", "echo-b", use_case=use_case)
    assert service(call, use_case, "echo-b") is None
    with pytest.raises(tropism.NotFoundError, match="not attached"):
        call("chat.create", HELLO, model="echo-b", use_case=use_case)
    with pytest.raises(tropism.NotFoundError, match="not attached"):
        call("models.detach", "echo-b", use_case=use_case)
    with pytest.raises(tropism.NotFoundError, match="not attached"):
        call("models.update", "echo-b", is_default=True, use_case=use_case)
    assert call("interactions.get", answer.id, use_case=use_case).model == "echo-b"
    assert call("models.get", "echo-b").online == "ONLINE"
    made = call("models.update", "echo-b", attached=True, use_case=use_case)
    assert made.online == "ONLINE"
    assert not call("models.update", "echo-b", attached=False, use_case=use_case).desired_online
    assert service(call, use_case, "echo-b") is None


def test_a_variant_in_a_running_test_stays(call: Both, client: Tropism, use_case: str) -> None:
    test = f"{use_case}-{uuid4().hex[:6]}"
    client.ab_tests.create(test, f"{use_case}-stars", ["echo-a", "echo-b"], use_case=use_case)
    for operation, more in (("models.detach", {}), ("models.update", {"attached": False})):
        with pytest.raises(tropism.ConflictError, match=f"in the running A/B test '{test}'; cancel that first"):
            call(operation, "echo-b", use_case=use_case, **more)
    client.ab_tests.cancel(test)
    call("models.detach", "echo-b", use_case=use_case)


def test_terminating_needs_force_while_a_use_case_wants_it(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, play_answer)
    with pytest.raises(tropism.ConflictError, match=f"'{key}' serves {use_case}; detach it there, or terminate with"):
        call("models.terminate", key)
    assert call("chat.create", HELLO, use_case=use_case).choices
    assert call("models.terminate", key, force=True).online == "OFFLINE"
    with pytest.raises(tropism.InternalServerError, match=r"it is not deployed; start it with models\.deploy"):
        call("chat.create", HELLO, use_case=use_case)
    assert service(call, use_case, key).online == "OFFLINE"
    assert call("models.deploy", key, wait=True).online == "ONLINE"
    assert call("chat.create", HELLO, use_case=use_case).choices
    call("models.update", key, desired_online=False, use_case=use_case)
    assert call("models.terminate", key).online == "OFFLINE"


def test_a_backbone_serves_where_its_variant_is_attached(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, play_answer)
    client.models.add_variant(key, f"{key}-v", system_prompt="x")
    client.models.attach(f"{key}-v", wait=True, use_case=use_case)
    client.models.detach(key, use_case=use_case)
    with pytest.raises(tropism.ConflictError, match="serves"):
        call("models.terminate", key)


def test_a_variant_brings_its_prompt_and_parameters(
    call: Both, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, play_answer)
    variant = f"{key}-v"
    parameters: Any = {"temperature": 0.25, "max_tokens": 5}
    client.models.add_variant(key, variant, system_prompt="Be brief.", parameters=parameters)
    client.models.attach(variant, wait=True, use_case=use_case)

    answer = call("chat.create", HELLO, model=variant, use_case=use_case)
    sent = upstream.requests[-1].body
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, *HELLO]
    assert (sent["temperature"], sent["max_tokens"], sent["model"]) == (0.25, 5, key)
    assert answer.model == variant
    found = call("interactions.get", answer.id, use_case=use_case)
    assert [m.role for m in found.messages] == ["user"], "the log holds what the caller said"
    assert (found.model, found.parameters.temperature, found.parameters.max_tokens) == (variant, 0.25, 5)

    own = [{"role": "system", "content": "Be kind."}, *HELLO]
    call("chat.create", own, model=variant, temperature=0, use_case=use_case)
    sent = upstream.requests[-1].body
    assert sent["messages"] == [{"role": "system", "content": "Be brief.\n\nBe kind."}, *HELLO]
    assert (sent["temperature"], sent["max_tokens"]) == (0, 5)


@pytest.mark.parametrize("config", [{}, {"max_seq_len": 4096}, {"tp": 2}], ids=["same", "longer", "wider"])
def test_a_new_compute_config_starts_the_model_again(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, config: dict[str, int]
) -> None:
    key = upstream.model(client, use_case, play_answer)
    made = call("models.update_compute_config", key, config)
    assert {name: getattr(made.compute_config, name) for name in config} == config
    eventually(lambda: client.models.get(key).online == "ONLINE")
    assert call("chat.create", HELLO, use_case=use_case).choices


def test_a_bad_compute_config_changes_nothing(call: Both, client: Tropism, use_case: str) -> None:
    before = call("models.get", "echo-c")
    for config in ({"max_seq_len": 1}, {"tp": 0}, {"kv_cache_len": 512, "max_seq_len": 1024}, {"gpus": 1}):
        with pytest.raises(tropism.UnprocessableEntityError):
            call("models.update_compute_config", "echo-c", config)
    assert call("models.get", "echo-c") == before


def test_a_failed_model_that_is_tried_again_is_waited_for(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, key: str
) -> None:
    """Its engine refuses an api key that no header can hold; the reason must not outlive the next attempt."""
    upstream.plays[key] = play_answer
    client.models.add_external(key, key, "tk\u00e9", "custom", endpoint=upstream.url)
    for _ in range(3):
        with pytest.raises(tropism.TropismError, match="could not be started: the API key holds characters"):
            call("models.attach", key, wait=True, use_case=use_case)


def test_a_request_waits_for_an_engine_that_starts(client: Tropism, use_case: str, upstream: Upstream) -> None:
    """Asked in the same breath as deployed: the engine cannot be up yet, and nothing may be refused."""
    key = upstream.model(client, use_case, play_answer)
    for _ in range(20):
        client.models.terminate(key, force=True)
        client.models.deploy(key)
        assert client.chat.create(HELLO, use_case=use_case).choices[0].message.content == "said"


async def test_no_accepted_request_is_lost_while_models_change(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    """Restarts, attachments and detachments of others, and streams that began before all of it."""

    async def slow(request: Request) -> None:
        request.begin()
        for word in ("one", " two", " three"):
            await request.say(word)
            await asyncio.sleep(0.05)
        await request.end()

    key = await asyncio.to_thread(upstream.model, client, use_case, slow)
    stop = asyncio.Event()
    async with AsyncTropism(server.base_url, server.api_key) as aclient:

        async def ask() -> int:
            asked = 0
            while not stop.is_set():
                stream = await aclient.chat.create(HELLO, stream=True, use_case=use_case)
                heard = [chunk.choices[0].delta.content async for chunk in stream]
                assert "".join(heard) == "one two three"
                asked += 1
            return asked

        asking = [asyncio.create_task(ask()) for _ in range(8)]
        for turn in range(8):
            await aclient.models.update_compute_config(key, {"max_seq_len": 1024 + turn})
            await aclient.models.attach("echo-c", use_case=use_case)
            await asyncio.sleep(0.05)
            await aclient.models.detach("echo-c", use_case=use_case)
            await asyncio.sleep(0.05)
        stop.set()
        asked = sum(await asyncio.gather(*asking))
        page = await aclient.interactions.list(use_case=use_case)
    assert asked >= 8
    assert page.total_count == asked


async def test_a_stream_outlives_the_termination_of_its_model(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream
) -> None:
    async def slow(request: Request) -> None:
        request.begin()
        await request.say("one")
        await request.until_told()
        await asyncio.sleep(6)  # longer than an engine by itself waits for its requests
        await request.say(" two")
        await request.end()

    key = await asyncio.to_thread(upstream.model, client, use_case, slow)
    async with AsyncTropism(server.base_url, server.api_key, timeout=SECONDS) as aclient:
        stream = await aclient.chat.create(HELLO, stream=True, use_case=use_case)
        first = await anext(stream)
        await aclient.models.terminate(key, force=True)
        upstream.go_on()
        rest = [chunk.choices[0].delta.content async for chunk in stream]
        assert [first.choices[0].delta.content, *rest] == ["one", " two", ""]
        with pytest.raises(tropism.InternalServerError, match="not deployed"):
            await aclient.chat.create(HELLO, use_case=use_case)
