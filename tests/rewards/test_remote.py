"""What trainers ask with: batches, order, waiting for a server that is away, and servers that misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tropism.egress.policy import allowing
from tropism.rewards import Turn
from tropism.rewards.protocol import RewardGone, RewardRefused
from tropism.rewards.remote import Limits, RemoteReward
from tropism.rewards.testing import run_reward_server

from .servers import Brevity, Said, http, raw_server

SCHEMA = http(b'{"type": "object"}')
ONCE = Limits(answer=5, patience=0, tries=1)
QUICK = Limits(answer=5, patience=30, tries=3)


def answers(*texts: object) -> list[list[Turn]]:
    return [[Turn(role="user", content="?"), Turn(role="assistant", content=str(text))] for text in texts]


def batch(*responses: dict[str, Any]) -> bytes:
    return http(json.dumps({"responses": responses}).encode())


async def score(url: str, count: int = 2, limits: Limits = ONCE, **options: Any) -> list[float]:
    async with RemoteReward(url, limits=limits, **options) as server:
        return await server.score(answers(*range(count)))


@pytest.fixture(scope="module")
def brevity() -> Iterator[str]:
    with run_reward_server(Brevity()) as url:
        yield url


@pytest.fixture(scope="module")
def said() -> Iterator[str]:
    with run_reward_server(Said()) as url:
        yield url


async def test_rewards_come_in_the_order_of_the_conversations(said: str) -> None:
    limits = Limits(batch=7, at_once=3)
    async with RemoteReward(said, limits=limits) as server:
        assert await server.score(answers(*range(100))) == [float(number) for number in range(100)]
        assert await server.score([]) == []


async def test_it_says_who_it_asks(brevity: str) -> None:
    async with RemoteReward(f"{brevity}/") as server:
        assert (await server.info()).name == "Brevity"
        assert "Wanted" in (await server.metadata_schema())["$defs"]


async def test_metadata_is_checked_before_anything_is_sent(brevity: str) -> None:
    asked: list[str] = []
    async with RemoteReward(brevity, limits=ONCE, on_wait=asked.append) as server:
        assert await server.score(answers("a b", "a"), [{"words": 2}, {"words": 3}]) == [0, -2]
        with pytest.raises(RewardRefused, match=r"metadata of sample 1 .*\$\.words: 'x' is not of type 'integer'"):
            await server.score(answers("a", "b"), [{"words": 2}, {"words": "x"}])
        with pytest.raises(RewardRefused, match="metadata of sample 0 .*'words' is a required property"):
            await server.score(answers("a"))
    assert asked == []


async def test_nothing_is_sent_when_metadata_is_wrong() -> None:
    schema = http(b'{"required": ["words"]}')
    with (
        raw_server(schema, batch({"reward": 1})) as (url, received),
        pytest.raises(RewardRefused, match="'words' is a required property"),
    ):
        await score(url)
    assert [request.split(b" ")[1] for request in received] == [b"/metadata_schema"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (b'{"type": "nothing"}', "is no JSON schema"),
        (b'{"$ref": "http://127.0.0.1:9/schema.json"}', "refers to another document: 'http://127.0.0.1:9/schema.json'"),
        (b'{"allOf": [{"not": {"$ref": "other.json#/a"}}]}', "refers to another document: 'other.json#/a'"),
        (b'{"$ref": "#/$defs/there"}', "refers to what is not in it"),
        (b'{"$ref": "#"}', "refers to what is not in it"),
        (b"[]", "does not answer as the protocol wants"),
        (b'{"a": ' * 10_000, "nested too deeply"),
        (b'{"not": ' * 300 + b"{}" + b"}" * 300, "nested too deeply"),
        (b" " * 100_000 + b"{}", "longer than 65536 bytes"),
    ],
)
async def test_a_schema_that_is_none_is_refused(schema: bytes, reason: str) -> None:
    with (
        raw_server(http(schema), batch({"reward": 1}, {"reward": 2})) as (url, _),
        pytest.raises(RewardRefused, match=reason),
    ):
        await score(url)


@pytest.mark.parametrize(
    ("responses", "rewards"),
    [
        ([{"reward": 1}, {"reward": 2, "metadata": None}], [1, 2]),
        ([{"reward": 1, "id": "1"}, {"reward": 2, "id": "0"}], [2, 1]),
        ([{"reward": 1, "id": 1}, {"reward": 2, "id": 0, "more": []}], [2, 1]),
        ([{"reward": 1, "id": None}, {"reward": -2.5, "id": None}], [1, -2.5]),
    ],
)
async def test_responses_may_have_another_order(responses: list[dict[str, Any]], rewards: list[float]) -> None:
    with raw_server(SCHEMA, batch(*responses)) as (url, _):
        assert await score(url) == rewards


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (batch({"reward": 1}), "1 responses .* to 2"),
        (batch({"reward": 1}, {"reward": 1}, {"reward": 1}), "3 responses .* to 2"),
        (batch({"reward": 1, "id": "0"}, {"reward": 1}), "1 with ids"),
        (batch({"reward": 1, "id": "0"}, {"reward": 1, "id": "0"}), "ids .* are not those of the requests"),
        (batch({"reward": 1, "id": "0"}, {"reward": 1, "id": "7"}), "ids .* are not those of the requests"),
        (batch({"reward": "1"}, {"reward": 1}), "as the protocol wants"),
        (batch({"reward": True}, {"reward": 1}), "as the protocol wants"),
        (batch({"metadata": {}}, {"reward": 1}), "as the protocol wants"),
        (batch({"reward": float("nan")}, {"reward": 1}), "as the protocol wants"),
        (http(b'{"responses": [{"reward": 1e999}, {"reward": 1}]}'), "as the protocol wants|finite"),
        (http(b"<html>"), "as the protocol wants"),
        (http(b'{"detail": "no turns"}', "422 No"), r"refused the request \(status 422\): no turns"),
        (http(b"", "404 Not Found"), "has no POST /batch_score"),
        (
            http(b"", "302 Found", "Location: http://169.254.169.254/\r\n"),
            "redirects .status 302., which is not followed",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP server as we know them"),
        (http(b" " * (17 * 2**20)), "longer than 16777216 bytes"),
    ],
)
async def test_an_answer_that_does_not_count_ends_it_at_once(answer: bytes, reason: str) -> None:
    waited: list[str] = []
    with (
        raw_server(SCHEMA, answer) as (url, received),
        pytest.raises(RewardRefused, match=reason),
    ):
        await score(url, limits=QUICK, on_wait=waited.append)
    assert (len(received), waited) == (2, [])


@pytest.mark.parametrize(
    "trouble",
    [
        http(b"", "503 Busy"),
        http(b"", "502 Gateway"),
        http(b"", "429 Slow down"),
        http(b'{"message": "once"}', "500 Oops"),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    ],
)
async def test_passing_trouble_is_waited_for(trouble: bytes) -> None:
    waited: list[str] = []
    with raw_server(SCHEMA, trouble, batch({"reward": 1}, {"reward": 2})) as (url, received):
        assert await score(url, limits=QUICK, on_wait=waited.append) == [1, 2]
    assert (len(received), len(waited)) == (3, 1)


async def test_a_server_that_keeps_failing_is_given_up() -> None:
    with (
        raw_server(SCHEMA, http(b'{"message": "score failed for requests[0]"}', "500 Oops")) as (url, received),
        pytest.raises(RewardRefused, match=r"failed \(status 500\): score failed for requests\[0\]"),
    ):
        await score(url, limits=Limits(tries=2, patience=0))
    assert len(received) == 3


async def test_a_server_that_does_not_answer_is_gone() -> None:
    with (
        raw_server(SCHEMA, b"HTTP/1.1 200 OK\r\n\r\n...") as (url, _),
        pytest.raises(RewardGone, match="did not answer in time"),
    ):
        await score(url, limits=Limits(answer=0.2, patience=0))


async def test_a_server_that_is_not_there_is_gone() -> None:
    with pytest.raises(RewardGone, match="cannot be reached"):
        await score("http://127.0.0.1:9")
    with pytest.raises(RewardGone, match="host name of the reward server is not known"):
        await score("http://nowhere.invalid")


async def test_a_server_without_tls_is_refused(brevity: str) -> None:
    with pytest.raises(RewardRefused, match="no secure connection"):
        await score(brevity.replace("http:", "https:"))


async def test_a_server_that_comes_back_goes_on_where_it_was(said: str) -> None:
    waited: list[str] = []
    with run_reward_server(Said()) as gone:
        pass
    async with RemoteReward(gone, limits=QUICK, on_wait=waited.append) as server:
        asking = asyncio.create_task(server.score(answers(1, 2)))
        while not waited:
            await asyncio.sleep(0.01)
        with run_reward_server(Said(), port=int(gone.rpartition(":")[2])):
            assert await asking == [1, 2]
    assert "cannot be reached" in waited[0]


async def test_who_is_told_of_a_pause_can_end_it() -> None:
    class Stop(Exception):
        pass

    def stop(reason: str) -> None:
        raise Stop(reason)

    with pytest.raises(Stop, match="cannot be reached"):
        await score("http://127.0.0.1:9", limits=QUICK, on_wait=stop)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://169.254.169.254/x", "http://localhost:8900"])
async def test_the_guard_is_asked(url: str) -> None:
    with pytest.raises(RewardRefused, match="leads to .*TROPISM_EGRESS_ALLOW"):
        RemoteReward(url, egress=allowing(["public"]))


async def test_as_many_metadata_as_conversations(said: str) -> None:
    async with RemoteReward(said) as server:
        with pytest.raises(ValueError, match="2 conversations, but metadata for 1"):
            await server.score(answers(1, 2), [{}])
