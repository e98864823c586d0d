"""A user's reward server over HTTP: what it gives, and what it refuses."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import httpx2
import msgspec
import pydantic
import pytest

from tropism.rewards import Info, Request, RewardServer, Score
from tropism.rewards.testing import run_reward_server

from .servers import HELLO, Brevity, Said


def http_of(server: RewardServer[Any]) -> Iterator[httpx2.Client]:
    with run_reward_server(server) as url, httpx2.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def brevity() -> Iterator[httpx2.Client]:
    yield from http_of(Brevity())


@pytest.fixture(scope="module")
def said() -> Iterator[httpx2.Client]:
    yield from http_of(Said())


def ask(*texts: str) -> dict[str, Any]:
    return {"requests": [{"turns": [{"role": "assistant", "content": text}], "id": f"n{text}"} for text in texts]}


def test_it_says_who_it_is(brevity: httpx2.Client) -> None:
    described = "Rewards answers that have as many words as were asked for."
    assert brevity.get("/info").json() == {"version": "1", "name": "Brevity", "description": described}


def test_it_tells_the_schema_of_its_metadata(brevity: httpx2.Client, said: httpx2.Client) -> None:
    schema = brevity.get("/metadata_schema").json()
    wanted = schema["$defs"]["Wanted"]
    assert wanted["required"] == ["words"]
    assert wanted["properties"]["words"] == {"type": "integer"}
    assert said.get("/metadata_schema").json() == {"type": "object"}


def test_it_scores_one(brevity: httpx2.Client) -> None:
    request = {"turns": HELLO, "metadata": {"words": 5}, "id": "a"}
    assert brevity.post("/score", json=request).json() == {"reward": -3.0, "metadata": {}, "id": "a"}
    del request["id"]
    assert brevity.post("/score", json=request).json() == {"reward": -3.0, "metadata": {}}


def test_it_scores_many_in_their_order(brevity: httpx2.Client) -> None:
    requests = [{"turns": HELLO, "metadata": {"words": words}, "id": words} for words in range(50)]
    answer = brevity.post("/batch_score", json={"requests": requests}).json()["responses"]
    assert [(each["id"], each["reward"]) for each in answer] == [(n, -abs(2 - n)) for n in range(50)]
    assert brevity.post("/batch_score", json={"requests": []}).json() == {"responses": []}


def test_an_async_score_works_on_many_at_once() -> None:
    class Meeting(RewardServer):
        """Each waits for the other."""

        def __init__(self) -> None:
            self.there = 0

        async def score(self, request: Request) -> int:
            import asyncio

            self.there += 1
            while self.there < 2:
                await asyncio.sleep(0.001)
            return self.there

    with run_reward_server(Meeting()) as url:
        answer = httpx2.post(f"{url}/batch_score", json=ask("1", "2")).json()
    assert len(answer["responses"]) == 2


def test_a_plain_score_holds_up_nobody_else() -> None:
    class Slow(RewardServer):
        """Scores when it is told to."""

        def __init__(self) -> None:
            self.begun, self.go_on = threading.Event(), threading.Event()

        def score(self, request: Request) -> bool:
            self.begun.set()
            return self.go_on.wait(10)

    slow = Slow()
    with run_reward_server(slow) as url:
        got: list[Any] = []
        asking = threading.Thread(target=lambda: got.append(httpx2.post(f"{url}/batch_score", json=ask("1")).json()))
        asking.start()
        assert slow.begun.wait(10)
        assert httpx2.get(f"{url}/info").json()["name"] == "Slow"
        slow.go_on.set()
        asking.join()
    assert got[0]["responses"][0]["reward"] == 1.0


def test_a_score_may_say_more(said: httpx2.Client) -> None:
    request = {"turns": [{"role": "assistant", "content": "metadata 2.5"}], "metadata": {"a": [1]}}
    answer = said.post("/score", json=request).json()
    assert answer == {"reward": 2.5, "metadata": {"why": "because", "given": {"a": [1]}}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fail", "score failed for requests[1] (id 'nfail'): KeyError: 'no such answer'"),
        ("nan", "score gave nan for requests[1] (id 'nnan'); a reward must be finite"),
        ("infinity", "score gave inf for requests[1] (id 'ninfinity'); a reward must be finite"),
        ("nothing", "score gave no reward for requests[1] (id 'nnothing'): float() argument must be"),
        ("object", "score gave no reward for requests[1] (id 'nobject'): Encoding objects of type object"),
    ],
)
def test_a_score_that_fails_is_named(said: httpx2.Client, text: str, reason: str) -> None:
    answer = said.post("/batch_score", json=ask("1", text, "2"))
    assert answer.status_code == 500
    assert answer.json()["type"] == "score_failed"
    assert answer.json()["message"].startswith(reason)
    assert said.post("/batch_score", json=ask("1", "2")).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/score", b"", "truncated"),
        ("/score", b"{", "truncated"),
        ("/score", b"\xff\xfe", "malformed"),
        ("/score", b"[]", "Expected `object`"),
        ("/score", b"{}", "`turns`"),
        ("/score", b'{"turns": []}', "length >= 1"),
        ("/score", b'{"turns": [{"role": "user"}]}', "`content`"),
        ("/score", b'{"turns": [{"role": "a", "content": "b"}], "metadata": 3}', "metadata"),
        ("/score", b'{"turns": [{"role": "a", "content": "b"}], "metadata": {"words": NaN}}', "malformed"),
        (
            "/score",
            b'{"turns": [{"role": "a", "content": "b"}], "metadata": {"words": "x"}}',
            "metadata: Expected `int`",
        ),
        ("/score", b'{"turns": [{"role": "a", "content": "b"}]}', "metadata: Object missing required field `words`"),
        ("/score", b'{"metadata": {"a": ' + b"[" * 100_000, "nested too deeply"),
        ("/batch_score", b'{"requests": [{"metadata": ' + b'{"a": ' * 50_000, "nested too deeply"),
        ("/batch_score", b'{"requests": {}}', "Expected `array`"),
        ("/batch_score", b'{"requests": [{"turns": [{"role": "a", "content": "b"}]}]}', r"requests\[0\]: metadata"),
    ],
)
def test_what_cannot_be_scored_is_refused(brevity: httpx2.Client, path: str, body: bytes, reason: str) -> None:
    answer = brevity.post(path, content=body)
    assert answer.status_code == 422
    assert answer.json()["type"] == "invalid_request"
    assert re.search(reason, answer.json()["message"])


def test_a_huge_body_is_refused(brevity: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tropism.rewards.http.LONGEST_BODY", 1000)
    with run_reward_server(Brevity()) as url:
        assert httpx2.post(f"{url}/score", content=b" " * 2000).status_code == 413
        assert httpx2.get(f"{url}/info").status_code == 200


def test_a_compressed_body_is_not_taken_apart(brevity: httpx2.Client) -> None:
    body = gzip.compress(json.dumps({"turns": HELLO, "metadata": {"words": 2}}).encode())
    answer = brevity.post("/score", content=body, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid_request")


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text(
        "from tropism.rewards import RewardServer\n"
        "class Length(RewardServer):\n"
        "    def score(self, request):\n"
        "        return len(request.completion)\n"
        "Length().serve(port=0)\n"
    )
    running = subprocess.Popen([sys.executable, "-W", "error", str(program)], stdout=subprocess.PIPE, text=True)
    assert running.stdout
    said = running.stdout.readline()
    url = said.split()[3].rstrip(";")
    assert httpx2.post(f"{url}/score", json={"turns": HELLO}).json()["reward"] == 11
    running.send_signal(signal.SIGTERM)
    assert (said.startswith("Length answers at http://127.0.0.1:"), running.wait(10)) == (True, 0)
    running.stdout.close()


def test_other_routes_are_not_there(brevity: httpx2.Client) -> None:
    assert brevity.get("/nowhere").status_code == 404
    assert brevity.get("/score").status_code == 405
    assert "GET /score" in brevity.get("/score").json()["message"]


class AsTypedDict(TypedDict):
    words: int


class AsStruct(msgspec.Struct):
    words: int


class AsPydantic(pydantic.BaseModel):
    words: int


@pytest.mark.parametrize("model", [AsTypedDict, AsStruct, AsPydantic])
def test_metadata_is_read_into_the_users_model(model: Any) -> None:
    class Echo(RewardServer[model]):
        """Gives what it was given."""

        def score(self, request: Request[Any]) -> Score:
            assert isinstance(request.metadata, dict if model is AsTypedDict else model)
            words = request.metadata["words"] if isinstance(request.metadata, dict) else request.metadata.words
            return Score(words)

    with run_reward_server(Echo()) as url:
        assert "words" in httpx2.get(f"{url}/metadata_schema").text
        assert httpx2.post(f"{url}/score", json={"turns": HELLO, "metadata": {"words": 7}}).json()["reward"] == 7
        assert httpx2.post(f"{url}/score", json={"turns": HELLO, "metadata": {"words": "x"}}).status_code == 422
        assert httpx2.post(f"{url}/score", json={"turns": HELLO}).status_code == 422


def test_a_server_may_say_otherwise_who_it_is() -> None:
    class Named(Brevity):
        def info(self) -> Info:
            return Info(version="2.1", name="brevity", description="Short is good.")

    with run_reward_server(Named()) as url:
        info = {"version": "2.1", "name": "brevity", "description": "Short is good."}
        assert httpx2.get(f"{url}/info").json() == info
        assert httpx2.post(f"{url}/score", json={"turns": HELLO, "metadata": {"words": 2}}).json()["reward"] == 0


def test_a_server_without_a_docstring_says_nothing_of_itself() -> None:
    class Plain(Brevity):
        pass

    assert Plain().info() == Info(version="1", name="Plain", description="")


def test_a_server_without_a_score_is_an_error_at_once() -> None:
    class Empty(RewardServer):
        """Has no score."""

    with pytest.raises(TypeError, match="score"):
        Empty()  # type: ignore[abstract]
