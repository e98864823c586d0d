"""Providers that fail: the caller hears what happened, nothing is logged, nothing stays open, the server goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.chat.upstream import Play, Request, Upstream, eventually
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "one two three"}]


def refuse(status: int, body: object = None) -> Play:
    async def play(request: Request) -> None:
        request.send({"error": {"message": "the provider's own words"}} if body is None else body, status=status)

    return play


def whole(data: bytes, content_type: str = "application/json") -> Play:
    async def play(request: Request) -> None:
        request.send(data, content_type=content_type)

    return play


def bytes_then(data: bytes, then: Callable[[Request], object]) -> Play:
    async def play(request: Request) -> None:
        request.writer.write(data)
        await request.writer.drain()
        then(request)

    return play


def close(request: Request) -> None:
    request.writer.close()


ANSWER = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "far"}, "finish_reason": "stop"}]}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def whole_of_length(length: object) -> Play:
    """An answer that says that it is so long."""
    return bytes_then(WHOLE.replace(b"%d\r\n" % len(ANSWER), f"{length}\r\n".encode()), close)


HALF_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
DEEP = b'{"x":' * 3000 + b"1" + b"}" * 3000
FAILURES: dict[str, tuple[Play, type[tropism.APIStatusError], str, str]] = {
    "500": (refuse(500), tropism.InternalServerError, "engine_error", r"failed \(status 500\): the provider's own"),
    "html": (refuse(502, b"<h1>Bad</h1>"), tropism.InternalServerError, "engine_error", "status 502"),
    "401": (refuse(401), tropism.InternalServerError, "engine_error", "refused the API key"),
    "400": (refuse(400), tropism.BadRequestError, "engine_rejected", "the provider's own words"),
    "404": (refuse(404), tropism.BadRequestError, "engine_rejected", "status 404"),
    "429": (refuse(429), tropism.InternalServerError, "engine_unavailable", "no more requests for now"),
    "redirect": (refuse(307, b""), tropism.InternalServerError, "engine_error", "redirects"),
    "garbage": (whole(b"\xff\xfe{{{"), tropism.InternalServerError, "engine_error", "not in OpenAI's format"),
    "empty": (whole(b""), tropism.InternalServerError, "engine_error", "it is empty"),
    "no-choice": (whole(b'{"choices": []}'), tropism.InternalServerError, "engine_error", "without a choice"),
    "array": (whole(b"[1, 2]"), tropism.InternalServerError, "engine_error", "not in OpenAI's format"),
    "error-in-200": (whole(b'{"error": {"message": "oh"}}'), tropism.InternalServerError, "engine_error", "oh"),
    "deep": (whole(DEEP), tropism.InternalServerError, "engine_error", "not in OpenAI's format"),
    "deep-error": (refuse(400, DEEP), tropism.BadRequestError, "engine_rejected", "status 400"),
    "no-http": (bytes_then(b"SSH-2.0\r\n", close), tropism.InternalServerError, "engine_error", "not HTTP"),
    "nothing": (bytes_then(b"", close), tropism.InternalServerError, "engine_broke_off", "closed the connection"),
    "half": (bytes_then(HALF_HEAD, close), tropism.InternalServerError, "engine_broke_off", "in the middle"),
    "too-short": (whole_of_length(10), tropism.InternalServerError, "engine_error", "not HTTP|not in OpenAI's format"),
    "no-length": (whole_of_length("ten"), tropism.InternalServerError, "engine_error", "not HTTP"),
    "two-lengths": (
        whole_of_length("10\r\nContent-Length: 11"),
        tropism.InternalServerError,
        "engine_error",
        "not HTTP",
    ),
    "chunk-too-long": (
        bytes_then(CHUNKED + b"ffff\r\n{", close),
        tropism.InternalServerError,
        "engine_broke_off",
        "in the middle",
    ),
    "no-chunk": (bytes_then(CHUNKED + b"zz\r\n{", close), tropism.InternalServerError, "engine_error", "not HTTP"),
    "no-gzip": (
        bytes_then(WHOLE.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"), close),
        tropism.InternalServerError,
        "engine_broke_off",
        "in the middle",
    ),
    "endless-head": (
        bytes_then(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, close),
        tropism.InternalServerError,
        "engine_error",
        "not HTTP",
    ),
    "reset": (
        bytes_then(b"", Request.reset),
        tropism.InternalServerError,
        "engine_broke_off",
        "closed the connection",
    ),
}


@pytest.mark.parametrize(("read", "written"), [(-5, 3), (3, -5), (2**31, 3), (3, 10**30)])
def test_a_count_of_tokens_that_cannot_be_one_is_no_count(
    client: Tropism, use_case: str, upstream: Upstream, read: int, written: int
) -> None:
    """The answer was made and is paid for: it is given and logged. Limits and bills believe nothing impossible."""

    async def boast(request: Request) -> None:
        if request.body.get("stream"):
            request.begin()
            await request.say("Hi")
            await request.end(read, written)
        else:
            request.answer("Hi", read, written)

    model = upstream.model(client, use_case, boast)
    whole = client.chat.create(HELLO, model=model, use_case=use_case)
    chunks = list(client.chat.create(HELLO, stream=True, model=model, use_case=use_case))
    for id in (whole.choices[0].completion_id, chunks[0].id):
        logged = client.interactions.get(id, use_case=use_case)
        assert (logged.completion, logged.usage) == ("Hi", None)


def nothing_is_left(client: Tropism, use_case: str) -> None:
    """No interaction, nothing counted, and the server answers the next request."""
    assert client.interactions.list(use_case=use_case).total_count == 0
    (test,) = client.ab_tests.list(use_case=use_case)
    assert [variant.assigned for variant in test.report.variants] == [0, 0]
    assert client.chat.create(HELLO, model="echo-b", use_case=use_case).choices


def ask(client: Tropism, use_case: str, stream: bool, n: int) -> None:
    """Ask, and take the answer to its end."""
    answer: Any = client.chat.create(HELLO, stream=stream, n=n, use_case=use_case)
    list(answer)


def in_a_test(client: Tropism, use_case: str, model: str) -> None:
    """All traffic of the use case goes to this model, half of it by way of an A/B test."""
    client.models.add_variant(model, f"{model}-variant", system_prompt="Be brief.")
    client.models.attach(f"{model}-variant", use_case=use_case)
    client.ab_tests.create(f"{use_case}-test", f"{use_case}-stars", [model, f"{model}-variant"], use_case=use_case)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_a_typed_error_and_leaves_nothing(
    client: Tropism, use_case: str, upstream: Upstream, failure: str, stream: bool
) -> None:
    play, error, type, message = FAILURES[failure]
    key = upstream.model(client, use_case, play)
    in_a_test(client, use_case, key)
    before = upstream.connections
    for n in (1, 2):
        with pytest.raises(error, match=message) as caught:
            ask(client, use_case, stream, n)
        assert caught.value.type == type
        assert f"model '{key}" in str(caught.value)
        assert "sk-provider-key" not in str(caught.value)
    nothing_is_left(client, use_case)
    eventually(lambda: upstream.connections <= before + 2)  # at most the two that are kept for the next request


@pytest.mark.parametrize("wait", ["9" * 400, "99999999999999", "Mon, 01 Jan 99999999999 00:00:00 GMT"])
def test_a_time_to_wait_that_nobody_can_mean(
    client: Tropism, server: RunningServer, use_case: str, upstream: Upstream, wait: str
) -> None:
    head = f"HTTP/1.1 429 Said\r\nRetry-After: {wait}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    upstream.model(client, use_case, bytes_then(head.encode(), close))
    answer = httpx2.post(
        f"{server.base_url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {server.api_key}"},
        json={"model": use_case, "messages": HELLO},
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "engine_unavailable")
    assert int(answer.headers["retry-after"]) <= 86_400


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_stands_behind_an_answer_is_not_the_next_one(
    client: Tropism, use_case: str, upstream: Upstream, stream: bool
) -> None:
    """A provider that says more than it was asked for, on a connection that others would use next."""
    more = WHOLE.replace(b'"far"', b'"bad"')

    async def play(request: Request) -> None:
        request.writer.write(WHOLE + more)

    upstream.model(client, use_case, play)
    for _ in range(5):
        answer: Any = client.chat.create(HELLO, stream=stream, use_case=use_case)
        said = [chunk.choices[0].delta.content for chunk in answer] if stream else [answer.choices[0].message.content]
        assert "".join(said) == "far"


async def _half(request: Request) -> None:
    request.begin()
    await request.say("half")
    close(request)


async def _half_with_an_end(request: Request) -> None:
    request.begin()
    await request.say("half")
    request.writer.write(b"0\r\n\r\n")


async def _garbage(request: Request) -> None:
    request.begin()
    await request.say("half")
    await request.event(b"{{{")


async def _error(request: Request) -> None:
    request.begin()
    await request.say("half")
    await request.event({"error": {"message": "overheated", "code": 500}})


async def _reset(request: Request) -> None:
    request.begin()
    await request.say("half")
    request.reset()


LATE = {
    "closed": (_half, "engine_broke_off", "in the middle of the answer"),
    "ended": (_half_with_an_end, "engine_broke_off", "in the middle of the answer"),
    "garbage": (_garbage, "engine_error", "not in OpenAI's format"),
    "error": (_error, "engine_error", "overheated"),
    "reset": (_reset, "engine_broke_off", "in the middle of the answer"),
}


def listen(call: Both, stream: Any, heard: list[str]) -> None:
    """Note each piece of a stream, on either face, until it ends or fails."""

    async def pieces() -> None:
        async for chunk in stream:
            heard.append(chunk.choices[0].delta.content)

    if hasattr(stream, "__aiter__"):
        call.wait(pieces())
        return
    for chunk in stream:
        heard.append(chunk.choices[0].delta.content)


@pytest.mark.parametrize("failure", LATE)
def test_a_stream_that_fails_after_its_first_piece_ends_in_a_typed_error(
    call: Both, client: Tropism, use_case: str, upstream: Upstream, failure: str
) -> None:
    play, type, message = LATE[failure]
    key = upstream.model(client, use_case, play)
    in_a_test(client, use_case, key)
    heard: list[str] = []
    stream = call("chat.create", HELLO, stream=True, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match=message) as caught:
        listen(call, stream, heard)
    assert (caught.value.type, heard) == (type, ["half"])
    nothing_is_left(client, use_case)


def test_one_failing_choice_of_several_ends_the_others(client: Tropism, use_case: str, upstream: Upstream) -> None:
    turns = iter(range(3))

    async def play(request: Request) -> None:
        if next(turns) == 2:
            request.send({"error": {"message": "no"}}, status=500)
        else:
            request.begin()
            await request.say("going on")
            await request.until_gone()

    key = upstream.model(client, use_case, play)
    in_a_test(client, use_case, key)
    before = upstream.connections
    with pytest.raises(tropism.InternalServerError, match="status 500"):
        list(client.chat.create(HELLO, stream=True, n=3, use_case=use_case))
    eventually(lambda: upstream.connections <= before + 1)
    nothing_is_left(client, use_case)


def test_nobody_listens(call: Both, use_case: str, client: Tropism) -> None:
    client.models.add_external(
        "Nobody", "x", "", "custom", endpoint="http://127.0.0.1:9/v1", key=(key := f"{use_case}-0")
    )
    client.models.attach(key, wait=True, use_case=use_case)
    with pytest.raises(tropism.InternalServerError, match="cannot be reached") as caught:
        call("chat.create", HELLO, model=key, use_case=use_case)
    assert (caught.value.status_code, caught.value.type) == (503, "engine_unavailable")


def test_failures_and_departures_leave_no_task_behind(upstream: Upstream) -> None:
    """In a server of its own, whose tasks nobody else adds to."""

    async def hang(request: Request) -> None:
        request.begin()
        await request.say("on")
        await request.until_gone()

    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.models.attach("echo", use_case="default", wait=True)
        plays = (refuse(500), _half, _garbage, _reset, hang)
        models = [upstream.model(client, "default", play) for play in plays]
        client.chat.create(HELLO, model="echo", use_case="default")
        idle = eventually(lambda: _tasks(server) or None)
        for model in models * 4:
            try:
                for _ in client.chat.create(HELLO, stream=True, n=2, model=model, use_case="default"):
                    if model == models[-1]:
                        break
            except tropism.InternalServerError:
                pass
        client.chat.create(HELLO, model="echo", use_case="default")
        eventually(lambda: _tasks(server) <= idle)


def _tasks(server: RunningServer) -> float:
    """How many tasks are alive in the server."""
    figures = httpx2.get(f"{server.base_url}/metrics", headers={"authorization": f"Bearer {server.api_key}"}).text
    return next(float(line.split()[1]) for line in figures.splitlines() if line.startswith("tropism_tasks "))
