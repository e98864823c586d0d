"""The bundled models in the real process: the first chat and the first embedding of a fresh engine."""

from __future__ import annotations

import json
import math
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import openai
import pytest
from pydantic import BaseModel, Field
from tests.chat.upstream import eventually
from tests.e2e.process import ADMIN_KEY, Served, served

from tropism import APITimeoutError, BadRequestError, Tropism, UnprocessableEntityError

PARIS = [{"role": "user", "content": "What is the capital of France? Answer in one short sentence."}]
LONG = [{"role": "user", "content": "Write a long story about a fox."}]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def engine(data: Path) -> Iterator[Served]:
    with served(data, "--port", "0", TROPISM_BUNDLED_MODELS="1") as engine:
        engine.ready()
        yield engine
        assert engine.stop() == 0


@pytest.fixture
def client(engine: Served) -> Iterator[Tropism]:
    with Tropism(engine.lines[0].split()[4], ADMIN_KEY) as client:
        client.set_default_use_case("default")
        yield client


def test_the_first_chat_waits_for_the_model_and_is_answered(client: Tropism) -> None:
    answer = client.chat.create(PARIS, temperature=0, max_tokens=30)
    assert "Paris" in answer.choices[0].message.content
    assert answer.model == "smollm2-135m-instruct"
    found = client.interactions.get(answer.id)
    assert found.usage == answer.usage
    assert answer.usage.prompt_tokens > 10
    assert 1 <= answer.usage.completion_tokens <= 30


def test_a_stream_and_the_openai_client(client: Tropism, engine: Served) -> None:
    stream = client.chat.create(PARIS, stream=True, stream_include_usage=True, temperature=0, max_tokens=30)
    *chunks, last = list(stream)
    assert len(chunks) > 3
    assert "Paris" in "".join(chunk.choices[0].delta.content for chunk in chunks)
    assert last.usage is not None
    with openai.OpenAI(base_url=f"{engine.lines[0].split()[4]}/v1", api_key=ADMIN_KEY) as theirs:
        made = theirs.chat.completions.create(
            model="default", messages=[{"role": "user", "content": "Hi"}], max_tokens=3
        )
        assert made.usage is not None
        assert made.usage.completion_tokens <= 3


class Capital(BaseModel):
    """What the model is made to say."""

    city: Literal["Paris", "Rome"]
    population: Annotated[int, Field(ge=0, le=99_999_999)]


def test_the_openai_clients_parsed_answers(client: Tropism, engine: Served) -> None:
    with openai.OpenAI(base_url=f"{engine.lines[0].split()[4]}/v1", api_key=ADMIN_KEY) as theirs:
        made = theirs.chat.completions.parse(
            model="default", messages=[{"role": "user", "content": "The capital of France?"}], response_format=Capital
        )
    parsed = made.choices[0].message.parsed
    assert parsed is not None
    assert parsed.city in ("Paris", "Rome")
    logged = client.interactions.get(made.id).parameters.response_format
    assert logged is not None
    assert logged["json_schema"]["name"] == "Capital"
    assert logged["json_schema"]["strict"] is True


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_in_json_by_the_sdk(client: Tropism, stream: bool) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    asked: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    answer: Any = client.chat.create(PARIS, stream=stream, response_format=asked, max_tokens=60)
    if stream:
        text = "".join(chunk.choices[0].delta.content for chunk in answer if chunk.choices)
    else:
        text = answer.choices[0].message.content
    assert json.loads(text)["city"] == "Paris"


@pytest.mark.parametrize(
    ("schema", "kind", "why"),
    [
        ({"type": "nonsense"}, BadRequestError, "cannot follow this JSON schema: at #: unrecognized type nonsense"),
        ({"enum": ["x"] * 5_000}, UnprocessableEntityError, "the JSON schema is too large: it holds more than 2000"),
    ],
    ids=["bad", "large"],
)
def test_a_schema_that_cannot_be_followed_is_the_callers_error(
    client: Tropism, schema: Any, kind: type[Exception], why: str
) -> None:
    asked: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    with pytest.raises(kind, match=why):
        client.chat.create(PARIS, response_format=asked)


def test_embeddings_know_what_is_alike(client: Tropism) -> None:
    client.use_cases.create("search")
    client.models.attach("all-minilm-l6-v2", make_default=True, wait=True, use_case="search")
    texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose again."]
    made = client.embeddings.create(texts, use_case="search")
    cat, kitten, rates = (each.embedding for each in made.data)
    assert isinstance(cat, list)
    assert isinstance(kitten, list)
    assert isinstance(rates, list)
    assert _alike(cat, kitten) > 0.5 > _alike(cat, rates)
    assert made.usage.prompt_tokens > 10


def _alike(one: list[float], two: list[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True)) / math.hypot(*one) / math.hypot(*two)


@pytest.mark.parametrize("stream", [True, False])
def test_a_cancelled_answer_has_its_real_count(client: Tropism, engine: Served, stream: bool) -> None:
    if stream:
        for number, _ in enumerate(client.chat.create(LONG, stream=True, labels={"cancelled": "stream"})):
            if number == 10:
                break
    else:
        url = engine.lines[0].split()[4]
        with Tropism(url, ADMIN_KEY, timeout=1.5) as hasty, pytest.raises(APITimeoutError):
            hasty.chat.create(LONG, use_case="default", labels={"cancelled": "whole"})
    kind = "stream" if stream else "whole"
    mine: Any = {"labels": [{"key": "cancelled", "value": [kind]}]}
    (found,) = eventually(lambda: client.interactions.list(filters=mine).nodes)
    assert (found.finish_reason, bool(found.completion)) == ("cancelled", True)
    assert found.usage is not None
    assert found.usage.prompt_tokens > 10
    assert found.usage.completion_tokens >= (10 if stream else 1)


def test_requests_outlive_a_restart_of_their_model(client: Tropism) -> None:
    """The new engine starts beside the old one, which ends what it began."""
    stream = client.chat.create(LONG, stream=True, max_tokens=150, temperature=0)
    next(stream)
    client.models.update_compute_config("smollm2-135m-instruct", {"max_seq_len": 1024})
    assert client.chat.create(PARIS, max_tokens=5).choices
    assert list(stream)[-1].choices[0].finish_reason in ("stop", "length")
    assert client.models.get("smollm2-135m-instruct").online == "ONLINE"


def test_an_engine_that_is_told_to_stop_while_it_starts_stops(client: Tropism, data: Path, tmp_path: Path) -> None:
    """Its model files are there already, so that it is the model's process that starts."""
    assert client.models.get("smollm2-135m-instruct").online == "ONLINE"
    shutil.copytree(data / "models", tmp_path / "models")
    with served(tmp_path, "--port", "0", TROPISM_BUNDLED_MODELS="1") as engine:
        engine.ready()
        engine.process.send_signal(signal.SIGTERM)
        assert engine.ended() == 0
        assert "Traceback" not in engine.said()
