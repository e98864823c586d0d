"""Questions about documents, written by a model at a provider that keeps to the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chat.upstream import Request, Upstream, run_upstream
from tests.conftest import Both

from tropism import ConflictError, NotFoundError, Tropism, TropismError, UnprocessableEntityError
from tropism.server.domains.datasets.passages import passages, spread

OPENING = "The library opens at nine. On Sundays it is closed."


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as upstream:
        yield upstream


@pytest.fixture
def writer(upstream: Upstream, client: Tropism, use_case: str) -> str:
    """A model that numbers its questions, after one that it writes twice and one that is no JSON."""
    asked: list[str] = []

    async def play(request: Request) -> None:
        asked.append(request.body["messages"][-1]["content"])
        assert request.body["response_format"]["json_schema"]["schema"]["required"] == ["question", "answer"]
        if len(asked) == 2:
            request.answer("I would rather not")
        else:
            number = max(1, len(asked) - 1) if len(asked) < 4 else len(asked)
            request.answer(json.dumps({"question": f"Question {number}?", "answer": f"Answer {number}"}))

    return upstream.model(client, use_case, play)


def test_a_model_writes_a_dataset(call: Both, writer: str, use_case: str) -> None:
    job = call("datasets.generate", "made", [OPENING], writer, 3, name="Opening hours", use_case=use_case)
    assert (job.kind, job.name, job.stages[0].name) == ("dataset", "Opening hours", "generate")
    done = call("jobs.wait", job.id, timeout=60)
    assert done.result == {"dataset": "made"}
    assert (done.stages[0].processed, done.stages[0].total) == (3, 3)
    made = call("datasets.get", "made", use_case=use_case)
    assert (made.kind, made.lines, made.source) == ("PROMPT_COMPLETION", 3, "generated")
    assert made.config == {"job": str(job.id), "model": writer, "num_questions": 3}
    shown = call("datasets.preview", "made", use_case=use_case)
    assert [line.documents for line in shown] == [[OPENING]] * 3
    questions = [line.messages[0].content for line in shown]
    assert len(set(questions)) == 3
    assert shown[0].completion == "Answer 1"


def test_documents_may_be_a_file(client: Tropism, writer: str, use_case: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": OPENING}) + "\n" + json.dumps({"text": "Other"}))
    job = client.datasets.generate("made", tmp_path / "a.jsonl", writer, 2, answers=False, use_case=use_case)
    client.jobs.wait(job.id, timeout=60)
    shown = client.datasets.preview("made", use_case=use_case)
    assert {line.documents[0] for line in shown} == {OPENING, "Other"}
    assert client.datasets.get("made", use_case=use_case).kind == "PROMPT"


def test_a_model_that_writes_no_questions_is_the_jobs_error(client: Tropism, use_case: str) -> None:
    job = client.datasets.generate("made", [OPENING], "echo-a", 2, use_case=use_case)
    with pytest.raises(TropismError, match="FAILED: 'echo-a' wrote no question"):
        client.jobs.wait(job.id, timeout=60)
    assert client.datasets.list(use_case=use_case) == []


def test_what_cannot_be_is_said_at_once(call: Both, use_case: str, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="not attached"):
        call("datasets.generate", "k", [OPENING], "echo-c", use_case=use_case)
    with pytest.raises(NotFoundError, match="no model 'nobody'"):
        call("datasets.generate", "k", [OPENING], "nobody", use_case=use_case)
    with pytest.raises(UnprocessableEntityError, match="blank"):
        call("datasets.generate", "k", [" \n"], "echo-a", use_case=use_case)
    with pytest.raises(UnprocessableEntityError):
        call("datasets.generate", "k", [], "echo-a", use_case=use_case)
    with pytest.raises(TropismError, match=r"pathlib\.Path"):
        call("datasets.generate", "k", "document.txt", "echo-a", use_case=use_case)
    with pytest.raises(TropismError, match="No such file"):
        call("datasets.generate", "k", tmp_path / "nowhere.txt", "echo-a", use_case=use_case)
    (tmp_path / "a.jsonl").write_text("{}")
    with pytest.raises(TropismError, match="holds no texts"):
        call("datasets.generate", "k", tmp_path / "a.jsonl", "echo-a", use_case=use_case)


@given(st.lists(st.text("ab. \n", max_size=200), max_size=4), st.integers(5, 60))
def test_passages_hold_every_word_and_are_short_enough(documents: list[str], longest: int) -> None:
    cut = passages(documents, longest)
    assert all(0 < len(passage) <= longest for passage in cut)
    assert "".join("".join(cut).split()) == "".join("".join(documents).split())


def test_a_passage_ends_where_a_paragraph_or_a_sentence_does() -> None:
    text = "One two. Three four.\n\nFive six. Seven eight nine ten."
    assert passages([text], 25) == ["One two. Three four.", "Five six.", "Seven eight nine ten."]


@given(st.integers(1, 200), st.integers(1, 200))
def test_questions_are_spread_evenly(questions: int, over: int) -> None:
    counts = spread(questions, over)
    assert (sum(counts), len(counts)) == (questions, over)
    assert max(counts) - min(counts) <= 1
