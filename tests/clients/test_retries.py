"""OpenAI's own clients as they come, which ask again by themselves, before providers that refuse, break and hang."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from tests.chat.plays import answer, asked, hang, in_turn, refuse, reset
from tests.chat.upstream import Play, Upstream, eventually, run_upstream

from tropism import Tropism
from tropism.testing import RunningServer

ROOT = Path(__file__).parents[2]
HELLO: Any = [{"role": "user", "content": "one two"}]
SHORT = 0.5


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def theirs(server: RunningServer) -> Iterator[openai.OpenAI]:
    """As people make it: two retries."""
    with openai.OpenAI(base_url=f"{server.base_url}/v1", api_key=server.api_key) as theirs:
        yield theirs


def attempts(server: RunningServer, model: str) -> dict[str, int]:
    """How many attempts ended in which error, by the server's own figures."""
    text = httpx2.get(f"{server.base_url}/metrics", headers={"authorization": f"Bearer {server.api_key}"}).text
    lines = re.findall(r"^gen_ai_client_operation_duration_seconds_count\{(.+)\} (\d+)", text, re.MULTILINE)
    mine = [(re.search('error_type="(.*?)"', labels), count) for labels, count in lines if f'"{model}"' in labels]
    return {found[1]: int(count) for found, count in mine if found}


@pytest.mark.parametrize("status", [429, 503, 529])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_it_asks_again_where_nothing_began_and_after_the_pause_that_the_provider_wants(
    server: RunningServer,
    theirs: openai.OpenAI,
    client: Tropism,
    use_case: str,
    upstream: Upstream,
    status: int,
    stream: bool,
) -> None:
    key = upstream.model(client, use_case, in_turn(refuse(status, "1"), refuse(status, "1"), answer))
    began = time.monotonic()
    said = theirs.chat.completions.create(model=use_case, messages=HELLO, stream=stream)
    text = said.choices[0].message.content if not stream else "".join(_pieces(said))  # type: ignore[union-attr]
    assert (text, asked(upstream, key)) == ("far", 3)
    assert time.monotonic() - began >= 2
    assert client.interactions.list(use_case=use_case).total_count == 1, "what failed is no answer"
    assert attempts(server, key) == {"engine_unavailable": 2, "": 1}


def _pieces(stream: Any) -> list[str]:
    return [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]


def test_it_gives_up_in_the_end_with_the_providers_words(
    theirs: openai.OpenAI, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, refuse(429, "0"))
    with pytest.raises(openai.InternalServerError, match="no more requests for now: not now") as caught:
        theirs.chat.completions.create(model=use_case, messages=HELLO)
    assert (caught.value.status_code, asked(upstream, key)) == (503, 3)


@pytest.mark.parametrize(
    ("play", "status", "type"),
    [
        (reset, 502, "engine_broke_off"),
        (refuse(500), 502, "engine_error"),
        (refuse(502), 502, "engine_error"),
        (refuse(504), 504, "engine_timeout"),
    ],
    ids=["reset", "500", "502", "504"],
)
def test_it_does_not_ask_again_where_an_answer_may_have_been_made(
    theirs: openai.OpenAI, client: Tropism, use_case: str, upstream: Upstream, play: Play, status: int, type: str
) -> None:
    """It would by itself, after any 5xx, and pay for the answer again."""
    key = upstream.model(client, use_case, play)
    with pytest.raises(openai.InternalServerError) as caught:
        theirs.chat.completions.create(model=use_case, messages=HELLO)
    assert (caught.value.status_code, caught.value.type, asked(upstream, key)) == (status, type, 1)


def test_our_own_client_does_not_either(client: Tropism, use_case: str, upstream: Upstream) -> None:
    from tropism import InternalServerError

    key = upstream.model(client, use_case, reset)
    with pytest.raises(InternalServerError, match="in the middle of the answer") as caught:
        client.chat.create(HELLO, use_case=use_case)
    assert (caught.value.status_code, caught.value.type, asked(upstream, key)) == (502, "engine_broke_off", 1)


def test_each_answer_that_it_left_is_in_the_log(
    theirs: openai.OpenAI, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    key = upstream.model(client, use_case, hang)
    with pytest.raises(openai.APITimeoutError):
        theirs.with_options(timeout=SHORT, max_retries=1).chat.completions.create(model=use_case, messages=HELLO)
    assert asked(upstream, key) == 2
    logged = eventually(lambda: [*client.interactions.list(use_case=use_case).nodes][1:] or None)
    found = client.interactions.list(use_case=use_case).nodes
    assert logged
    assert [(each.finish_reason, each.completion) for each in found] == [("cancelled", "")] * 2


def test_the_client_for_node_does_the_same(
    server: RunningServer, client: Tropism, use_case: str, upstream: Upstream
) -> None:
    busy = upstream.model(client, use_case, in_turn(refuse(429, "1"), refuse(503, "1"), answer))
    broken = upstream.model(client, use_case, reset)
    slow = upstream.model(client, use_case, hang)
    subprocess.run(["make", "--silent", "node-client"], cwd=ROOT, check=True, capture_output=True)
    with_node = {**os.environ, "PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}"}
    names = [f"{use_case}/{key}" for key in (busy, broken, slow)]
    program = Path(__file__).parent / "node" / "retries.mjs"
    command = ["node", str(program), f"{server.base_url}/v1", server.api_key, *names]
    done = subprocess.run(command, env=with_node, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"busy": "far", "broken": [502, "engine_broke_off"], "slow": True}
    assert [asked(upstream, key) for key in (busy, broken, slow)] == [3, 1, 3]
    assert attempts(server, busy) == {"engine_unavailable": 2, "": 1}
    assert eventually(lambda: client.interactions.list(use_case=use_case).total_count == 4)
    found = client.interactions.list(use_case=use_case).nodes
    assert sorted(str(each.finish_reason) for each in found) == ["cancelled"] * 3 + ["stop"]
