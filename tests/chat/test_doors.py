"""Models that are left alone, and how many requests they have at once, against providers on real sockets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx2
import pytest
from tests.chat.plays import answer, asked, in_turn, refuse
from tests.chat.upstream import Request, Upstream, eventually
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

HELLO = [{"role": "user", "content": "one two"}]
SHORT = 0.4


# Models that are left alone


def test_a_model_that_fails_in_a_row_is_left_alone_and_then_tried_by_one(
    server: RunningServer, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, refuse(500))
    for _ in range(5):
        with pytest.raises(tropism.InternalServerError, match="status 500"):
            client.chat.create(HELLO, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="failed 5 times in a row and is left alone") as caught:
        client.chat.create(HELLO, use_case=use_case)
    assert (caught.value.status_code, caught.value.type, asked(upstream, key)) == (503, "engine_unavailable", 5)
    assert f'tropism_model_left_alone{{model="{key}"}} 1.0' in figures(server)

    client.models.update(key, fallbacks=["echo-a"], use_case=use_case)
    made = client.chat.create(HELLO, use_case=use_case)  # and costs no time
    assert (made.choices[0].model, asked(upstream, key)) == ("echo-a", 5)

    upstream.plays[key] = answer
    eventually(lambda: client.chat.create(HELLO, use_case=use_case).choices[0].model == key)
    assert asked(upstream, key) == 6
    assert f'tropism_model_left_alone{{model="{key}"}} 0.0' in figures(server)


def test_one_request_finds_out_whether_a_model_is_back(client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, refuse(500))
    while "left alone" not in _failure(client, use_case):
        pass

    async def play(request: Request) -> None:
        await request.until_told()
        await answer(request)

    upstream.plays[key] = play
    before = asked(upstream, key)
    with ThreadPoolExecutor(1) as pool:
        finds_out = pool.submit(eventually, lambda: not _failure(client, use_case))
        eventually(lambda: asked(upstream, key) > before)
        assert "it is tried by another request" in _failure(client, use_case)
        upstream.go_on()
        assert finds_out.result(10)
    assert asked(upstream, key) == before + 1


def _failure(client: Tropism, use_case: str) -> str:
    """What the caller hears; nothing if there is an answer."""
    try:
        client.chat.create(HELLO, use_case=use_case)
    except tropism.InternalServerError as error:
        return str(error)
    return ""


def figures(server: RunningServer) -> str:
    return httpx2.get(f"{server.base_url}/metrics", headers={"authorization": f"Bearer {server.api_key}"}).text


def test_what_callers_get_wrong_closes_nothing(client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, refuse(400))
    for _ in range(7):
        with pytest.raises(tropism.BadRequestError):
            client.chat.create(HELLO, use_case=use_case)
    assert asked(upstream, key) == 7


def test_a_success_between_failures_closes_nothing(client: Tropism, use_case: str, upstream: Upstream) -> None:
    key = upstream.model(client, use_case, in_turn(*[refuse(500)] * 4, answer, *[refuse(500)] * 4, answer))
    outcomes = [_outcome(client, use_case) for _ in range(10)]
    assert outcomes == [False] * 4 + [True] + [False] * 4 + [True]
    assert asked(upstream, key) == 10


def _outcome(client: Tropism, use_case: str) -> bool:
    try:
        return bool(client.chat.create(HELLO, use_case=use_case).choices)
    except tropism.InternalServerError:
        return False


# How many at once


def test_more_than_may_wait_are_refused_and_the_others_come_one_by_one(
    client: Tropism, use_case: str, upstream: Upstream
) -> None:
    inside, most = threading.Semaphore(0), [0, 0]

    async def play(request: Request) -> None:
        most[0] += 1
        most[1] = max(most)
        inside.release()
        await request.until_told()
        most[0] -= 1
        await answer(request)

    key = upstream.model(client, use_case, play)
    assert client.models.update_concurrency(key, 1, waiting=2).concurrency is not None
    with ThreadPoolExecutor(4) as pool:
        asked_at_once = {pool.submit(client.chat.create, HELLO, use_case=use_case, model=key) for _ in range(4)}
        assert inside.acquire(timeout=10)
        refused = next(as_completed(asked_at_once, timeout=10))
        with pytest.raises(tropism.InternalServerError, match="1 requests are at work and 2 wait") as caught:
            refused.result()
        for _ in range(3):
            upstream.go_on()
            inside.acquire(timeout=10)
        answers = asked_at_once - {refused}
        assert [each.result(10).choices[0].message.content for each in answers] == ["far"] * 3
    assert (caught.value.status_code, most[1]) == (503, 1)
    assert client.models.update_concurrency(key, None).concurrency is None


def test_who_waits_in_line_has_no_more_time_than_the_answer(client: Tropism, use_case: str, upstream: Upstream) -> None:
    async def play(request: Request) -> None:
        await request.until_told()
        await answer(request)

    key = upstream.model(client, use_case, play)
    client.models.update_concurrency(key, 1)
    client.models.add_variant(key, f"{key}-hurried", system_prompt="Be quick.")
    client.models.attach(f"{key}-hurried", reliability={"total_seconds": SHORT}, use_case=use_case)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.chat.create, HELLO, use_case=use_case)
        eventually(lambda: asked(upstream, key))
        with pytest.raises(tropism.InternalServerError, match="worked on others for all the time") as caught:
            client.chat.create(HELLO, model=f"{key}-hurried", use_case=use_case)
        upstream.go_on()
        assert first.result(10).choices[0].message.content == "far"
    assert (caught.value.status_code, asked(upstream, key)) == (504, 1)


def test_only_the_model_itself_has_a_bound(call: Both, client: Tropism, use_case: str) -> None:
    client.models.add_variant("echo-a", f"{use_case}-brief", system_prompt="Be brief.")
    with pytest.raises(tropism.ConflictError, match="runs on the engine of 'echo-a'"):
        call("models.update_concurrency", f"{use_case}-brief", 2)
    with pytest.raises(tropism.UnprocessableEntityError, match="at_once"):
        call("models.update_concurrency", "echo-a", 0)
    with pytest.raises(tropism.NotFoundError):
        call("models.update_concurrency", "nowhere", 1)
