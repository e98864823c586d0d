"""Models that are placed in other pools: workers run them, engines ask the workers. Real processes on real sockets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from tests.compute_pools.worker import working

from tropism import InternalServerError, Tropism, TropismError
from tropism.sdk.inputs import PlacementDict
from tropism.server.identity.secrets import Secrets
from tropism.testing import RunningServer, run_server
from tropism.wire.compute_pools import ComputePool

SECONDS = 60.0
HELLO = [{"role": "user", "content": "Hello"}]
LONG = [{"role": "user", "content": "word " * 200_000}]
"""Echoed word by word: long enough to be interrupted."""


def eventually(check: Callable[[], object]) -> bool:
    end = time.monotonic() + SECONDS
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def own() -> Iterator[RunningServer]:
    """An engine that thinks a worker gone after two seconds, and waits long for who does not read on."""
    settings = {"TROPISM_WORKER_GONE_SECONDS": "2", "TROPISM_CLIENT_SECONDS": "600"}
    os.environ.update(settings)
    try:
        with run_server(echo_models=["echo-a", "echo-b", "echo-c"], bundled_models=True) as server:
            yield server
    finally:
        for name in settings:
            del os.environ[name]


@pytest.fixture
def mine(own: RunningServer) -> Iterator[Tropism]:
    """A client with a use case of its own."""
    with Tropism(own.base_url, own.api_key) as client:
        key = f"case-{uuid4().hex[:12]}"
        client.use_cases.create(key)
        client.set_default_use_case(key)
        yield client


@contextmanager
def answering(own: RunningServer, pool: str, number: int = 1) -> Iterator[list[subprocess.Popen[str]]]:
    """Workers that answer for the models of a pool."""
    with ExitStack() as stack:
        arguments = ("--pool", pool, "--capabilities", "inference")
        yield [stack.enter_context(working(own, *arguments)) for _ in range(number)]


def address_of(worker: subprocess.Popen[str]) -> str:
    """Where it says that it is asked."""
    assert worker.stdout
    assert "does inference in the pool" in worker.stdout.readline()
    found = re.search(r"http://\S+:\d+", worker.stdout.readline())
    assert found
    return found[0]


def pool(client: Tropism, key: str) -> ComputePool | None:
    return next((each for each in client.compute_pools.list() if each.key == key), None)


def said(client: Tropism, **more: Any) -> str | None:
    content = client.chat.create(HELLO, **more).choices[0].message.content
    assert content is None or isinstance(content, str)
    return content


def service(client: Tropism, model: str) -> Any:
    assert client.default_use_case
    services = client.use_cases.get(client.default_use_case).model_services
    return next(each for each in services if each.model.key == model)


def test_a_model_is_asked_where_it_is_placed(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "gpu"):
        assert eventually(lambda: (there := pool(mine, "gpu")) and there.workers)
        made = mine.models.attach("echo-a", True, True, {"compute_pools": ["gpu"]})
        assert (made.online, made.model.online) == ("ONLINE", "ONLINE")
        assert said(mine) == "Hello"
        streamed = mine.chat.create(HELLO, stream=True, stream_include_usage=True)
        assert "".join(c.choices[0].delta.content or "" for c in streamed if c.choices) == "Hello"
        there, default = pool(mine, "gpu"), pool(mine, "default")
        assert there
        assert default
        assert (there.models_online, there.capabilities) == (["echo-a"], ["inference"])
        assert "echo-a" not in default.models_online, "the engines have no need of it"
        mine.models.terminate("echo-a", force=True)
        assert eventually(lambda: (there := pool(mine, "gpu")) and not there.models_online)
        with pytest.raises(TropismError, match="not deployed"):
            said(mine)
        mine.models.deploy("echo-a", wait=True)
        assert said(mine) == "Hello"
        mine.models.detach("echo-a")
        assert mine.models.get("echo-a").online == "OFFLINE", "the engines do not take it up"


def test_without_a_worker_the_model_says_which_command_to_run(mine: Tropism) -> None:
    command = "tropism worker --pool nobody --capabilities inference"
    with pytest.raises(TropismError, match=command):
        mine.models.attach("echo-b", True, True, {"compute_pools": ["nobody"]})
    found = service(mine, "echo-b")
    assert (found.online, found.model.online) == ("ERROR", "ERROR")
    assert command in found.model.error
    with pytest.raises(InternalServerError, match=command):
        said(mine)
    mine.models.update("echo-b", placement={"compute_pools": ["default"]})
    assert mine.models.attach("echo-b", wait=True).online == "ONLINE"
    assert said(mine) == "Hello"
    mine.models.detach("echo-b")


def test_real_models_answer_and_embed_in_a_pool(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "real"):
        assert eventually(lambda: (there := pool(mine, "real")) and there.workers)
        placed: PlacementDict = {"compute_pools": ["real"]}
        mine.models.attach("smollm2-135m-instruct", True, True, placed)
        answer = mine.chat.create([{"role": "user", "content": "Say hello."}], max_tokens=8, seed=1)
        assert answer.choices[0].message.content
        assert answer.usage.completion_tokens > 0
        mine.models.attach("all-minilm-l6-v2", True, False, placed)
        assert len(mine.embeddings.create("Hello", model="all-minilm-l6-v2").data[0].embedding) == 384
        for key in ("smollm2-135m-instruct", "all-minilm-l6-v2"):
            mine.models.detach(key)


def catch_up(client: Tropism) -> None:
    """What the database knows, an engine knows half a second later, or after a change of its own."""
    client.models.update("echo-a", desired_online=True)


def running(client: Tropism, key: str) -> list[int]:
    """How many requests each worker of a pool has."""
    there = pool(client, key)
    return sorted(each.running_requests for each in there.workers) if there else []


def with_models(client: Tropism, key: str) -> list[Any]:
    """The workers of a pool that answer for a model."""
    there = pool(client, key)
    return [each for each in there.workers if each.models_online] if there else []


def test_workers_of_a_pool_share_the_requests(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "pair", 2):
        assert eventually(lambda: (there := pool(mine, "pair")) and len(there.workers) == 2)
        mine.models.attach("echo-a", True, True, {"compute_pools": ["pair"]})
        assert eventually(lambda: len(with_models(mine, "pair")) == 2)
        catch_up(mine)
        with mine.chat.create(LONG, stream=True) as one, mine.chat.create(LONG, stream=True) as two:
            next(one), next(two)
            assert eventually(lambda: running(mine, "pair") == [1, 1])
        assert eventually(lambda: running(mine, "pair") == [0, 0]), "who leaves a stream ends it at the worker, too"
        mine.models.detach("echo-a")


def test_a_worker_that_dies_costs_what_it_worked_on_and_no_more(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "mortal", 2) as workers:
        assert eventually(lambda: (there := pool(mine, "mortal")) and len(there.workers) == 2)
        mine.models.attach("echo-a", True, True, {"compute_pools": ["mortal"]})
        assert eventually(lambda: len(with_models(mine, "mortal")) == 2)
        catch_up(mine)
        with mine.chat.create(LONG, stream=True) as one, mine.chat.create(LONG, stream=True) as two:
            streams = [iter(one), iter(two)]
            assert all(next(each) for each in streams)
            workers[0].kill()
            ends = [end_of(each) for each in streams]
        why = "model 'echo-a': the worker in the pool 'mortal' went away in the middle of the answer"
        assert sorted(ends) == ["", why]
        assert [said(mine) for _ in range(6)] == ["Hello"] * 6
        workers[1].kill()
        with pytest.raises(InternalServerError, match="cannot be reached|went away|no worker"):
            said(mine)
        mine.models.attach("echo-c", wait=True)
        mine.models.update("echo-a", fallbacks=["echo-c"])
        assert mine.chat.create(HELLO).model == "echo-c"
        assert eventually(lambda: service(mine, "echo-a").online == "ERROR")
        assert "tropism worker --pool mortal --capabilities inference" in service(mine, "echo-a").model.error
    with answering(own, "mortal"):
        assert eventually(lambda: service(mine, "echo-a").online == "ONLINE")
        assert eventually(lambda: mine.chat.create(HELLO).model == "echo-a")
    mine.models.update("echo-a", fallbacks=[])
    mine.models.detach("echo-a")


def test_a_worker_that_is_told_to_stop_ends_its_answers(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "ending") as [worker]:
        assert eventually(lambda: (there := pool(mine, "ending")) and there.workers)
        mine.models.attach("echo-a", True, True, {"compute_pools": ["ending"]})
        with mine.chat.create([{"role": "user", "content": "word " * 20_000}], stream=True) as stream:
            next(stream)
            worker.send_signal(signal.SIGTERM)
            assert eventually(lambda: service(mine, "echo-a").online == "ERROR")
            assert [each.choices[0].finish_reason for each in stream if each.choices][-1] == "stop"
        assert worker.wait(SECONDS) == 0
        mine.models.detach("echo-a")


def end_of(stream: Iterator[Any]) -> str:
    """How a stream ends: with nothing, or with the words of an error."""
    try:
        for _ in stream:
            pass
    except TropismError as error:
        return str(error)
    return ""


def test_a_worker_that_was_thought_gone_comes_back(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "asleep") as [worker]:
        assert eventually(lambda: (there := pool(mine, "asleep")) and there.workers)
        mine.models.attach("echo-a", True, True, {"compute_pools": ["asleep"]})
        worker.send_signal(signal.SIGSTOP)
        assert eventually(lambda: service(mine, "echo-a").online == "ERROR")
        worker.send_signal(signal.SIGCONT)
        assert eventually(lambda: service(mine, "echo-a").online == "ONLINE")
        assert said(mine) == "Hello"
        mine.models.detach("echo-a")


def status(address: str, token: str | None, body: bytes = b"{}") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        asked = urllib.request.Request(address, data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_nothing_is_served_without_the_secret(own: RunningServer) -> None:
    token = Secrets((own.data / "secret.key").read_text().strip()).worker_token
    with answering(own, "shut") as [worker]:
        address = address_of(worker)
        assert eventually(lambda: status(f"{address}/ask", token) == 400)
        for shown in (None, "", own.api_key, token[:-1], token + "0", "\xe9"):
            assert [status(f"{address}{path}", shown) for path in ("/ask", "/", "/health")] == [401] * 3
        assert status(f"{address}/elsewhere", token) == 404


def test_a_pool_that_is_full_takes_use_cases_in_turns(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "full"), Tropism(own.base_url, own.api_key) as other:
        assert eventually(lambda: (there := pool(mine, "full")) and there.workers)
        other.use_cases.create(key := f"case-{uuid4().hex[:12]}")
        other.set_default_use_case(key)
        mine.models.update_concurrency("echo-a", 1, waiting=6)
        for client in (mine, other):
            client.models.attach("echo-a", True, True, {"compute_pools": ["full"]})
        begun: list[str] = []

        def ask(client: Tropism, name: str) -> None:
            with client.chat.create(LONG, stream=True) as stream:  # it keeps its place until it is seen to have begun
                next(stream)
                begun.append(name)

        with ThreadPoolExecutor(6) as threads, mine.chat.create(LONG, stream=True) as stream:
            next(stream)
            for number in range(5):
                threads.submit(ask, mine, "mine")
                assert eventually(partial(is_waiting, mine, "full", number + 1))
            threads.submit(ask, other, "other")
            assert eventually(partial(is_waiting, mine, "full", 6))
            with pytest.raises(InternalServerError, match="is all it may have"):
                said(other)
        assert begun == ["mine", "other", *["mine"] * 4], "its one request waited for one of the five"
        mine.models.update_concurrency("echo-a", None)
        for client in (mine, other):
            client.models.detach("echo-a")


def is_waiting(client: Tropism, key: str, number: int) -> bool:
    there = pool(client, key)
    return there is not None and there.waiting_requests == number


def test_who_would_wait_too_long_in_one_pool_goes_to_the_next(own: RunningServer, mine: Tropism) -> None:
    with answering(own, "first"), answering(own, "second"):
        placed: PlacementDict = {"compute_pools": ["first", "second"], "max_ttft_ms": 100}
        assert eventually(lambda: all((there := pool(mine, each)) and there.workers for each in ("first", "second")))
        mine.models.update_concurrency("echo-a", 1)
        mine.models.attach("echo-a", True, True, placed)
        assert eventually(
            lambda: all((there := pool(mine, each)) and there.models_online for each in ("first", "second"))
        )
        catch_up(mine)
        with mine.chat.create(LONG, stream=True) as stream:
            next(stream)
            assert eventually(lambda: (running(mine, "first"), running(mine, "second")) == ([1], [0]))
            assert said(mine) == "Hello"
        mine.models.update_concurrency("echo-a", None)
        mine.models.detach("echo-a")


def is_online(client: Tropism, key: str, model: str) -> bool:
    there = pool(client, key)
    return there is not None and model in there.models_online


def test_a_model_moves_while_it_answers(own: RunningServer, mine: Tropism) -> None:
    mine.models.attach("echo-b", True, True, {"compute_pools": ["default"]})
    answers: list[str | None] = []
    stop = False

    def ask() -> None:
        while not stop:
            answers.append(said(mine))

    def more(number: int = 50) -> bool:
        seen = len(answers)
        return eventually(lambda: len(answers) > seen + number)

    with answering(own, "there"), ThreadPoolExecutor(4) as threads:
        asking = [threads.submit(ask) for _ in range(4)]
        try:
            assert more()
            assert eventually(lambda: (there := pool(mine, "there")) and there.workers)
            for _ in range(2):
                for name in ("there", "default"):
                    mine.models.update("echo-b", placement={"compute_pools": [name]})
                    assert more()
                    assert eventually(partial(is_online, mine, name, "echo-b"))
                    assert more()
        finally:
            stop = True
        for each in asking:
            each.result()
    assert set(answers) == {"Hello"}
    mine.models.detach("echo-b")
