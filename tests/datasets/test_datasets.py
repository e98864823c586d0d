"""Datasets: listed, downloaded, previewed, deleted; kept in any storage; made of the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pyarrow import parquet
from tests.conftest import Both
from tests.datasets.conftest import Write

from tropism import ConflictError, NotFoundError, Tropism, TropismError, UnprocessableEntityError
from tropism.server.domains.datasets.files import DatasetGone, file_name, lines
from tropism.server.files.storage import storage_of
from tropism.server.settings import Settings
from tropism.testing import RunningServer
from tropism.wire.datasets import DatasetLine

Q = {"prompt": "Q"}
RATED = {
    "messages": [["document", "D"], ["user", "Q"]],
    "completion": "A",
    "metrics": {"stars": 4},
    "labels": {"a": "b"},
}


def test_the_newest_dataset_comes_first(call: Both, use_case: str, write: Write) -> None:
    assert call("datasets.list", use_case=use_case) == []
    made = [call("datasets.upload", write(Q), key, use_case=use_case) for key in ("one", "two")]
    assert call("datasets.list", use_case=use_case) == made[::-1]


def test_a_download_is_uploaded_again_as_the_same(call: Both, use_case: str, write: Write, tmp_path: Path) -> None:
    first = call("datasets.upload", write(RATED, Q), "first", use_case=use_case)
    assert call("datasets.download", "first", tmp_path / "a.jsonl", use_case=use_case) == first
    again = call("datasets.upload", tmp_path / "a.jsonl", "again", use_case=use_case)
    call("datasets.download", again.id, str(tmp_path / "b.jsonl"), use_case=use_case)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert (again.kind, again.lines, again.bytes, again.feedbacks) == (
        first.kind,
        first.lines,
        (tmp_path / "a.jsonl").stat().st_size,
        first.feedbacks,
    )
    assert {path.name for path in tmp_path.iterdir()} == {"lines.jsonl", "a.jsonl", "b.jsonl"}


def test_parquet_has_a_column_for_every_field(call: Both, use_case: str, write: Write, tmp_path: Path) -> None:
    call("datasets.upload", write({**RATED, "metadata": {"n": [1]}}, Q), "k", use_case=use_case)
    call("datasets.download", "k", tmp_path / "k.parquet", "parquet", use_case=use_case)
    table = parquet.read_table(tmp_path / "k.parquet")
    assert tuple(table.column_names) == DatasetLine.__struct_fields__
    first, second = table.to_pylist()
    [message] = first["messages"]
    assert (first["documents"], message["role"], message["content"]) == (["D"], "user", "Q")
    assert {message[other] for other in message.keys() - {"role", "content"}} == {None}
    assert (first["feedbacks"], first["metadata"]) == ([{"name": "stars", "value": 4.0}], '{"n":[1]}')
    assert second["completion"] is None


def test_the_first_lines_are_shown(call: Both, use_case: str, write: Write) -> None:
    call("datasets.upload", write(RATED, *({"prompt": str(number)} for number in range(20))), "k", use_case=use_case)
    shown = call("datasets.preview", "k", 3, use_case=use_case)
    assert [line.messages[-1].content for line in shown] == ["Q", "0", "1"]
    assert (shown[0].documents, shown[0].completion, shown[0].feedbacks) == (["D"], "A", {"stars": 4.0})
    assert shown[0].labels == {"a": "b"}
    with pytest.raises(UnprocessableEntityError):
        call("datasets.preview", "k", 101, use_case=use_case)


def test_a_deleted_dataset_is_gone_with_its_file(
    call: Both, server: RunningServer, use_case: str, write: Write, tmp_path: Path
) -> None:
    made = call("datasets.upload", write(Q), "k", use_case=use_case)
    file = server.data / "datasets" / file_name(made.id)
    assert file.exists()
    assert call("datasets.delete", "k", use_case=use_case) is None
    assert not file.exists()
    for operation in ("get", "delete", "preview"):
        with pytest.raises(NotFoundError, match=r"no dataset 'k'.*datasets\.upload"):
            call(f"datasets.{operation}", "k", use_case=use_case)
    with pytest.raises(NotFoundError):
        call("datasets.download", "k", tmp_path / "k.jsonl", use_case=use_case)
    assert not (tmp_path / "k.jsonl").exists()
    call("datasets.upload", write(Q), "k", use_case=use_case)


def test_a_reader_notices_that_a_dataset_is_deleted(
    client: Tropism, server: RunningServer, use_case: str, write: Write
) -> None:
    made = client.datasets.upload(write(*({"prompt": str(number)} for number in range(3000))), "k", use_case=use_case)
    settings = Settings(data=server.data)
    assert len(list(lines(settings, made.id))) == 3000
    reading = lines(settings, made.id)
    assert next(reading).messages[0].content == "0"
    client.datasets.delete("k", use_case=use_case)
    with pytest.raises(DatasetGone, match="was deleted"):
        list(reading)
    with pytest.raises(DatasetGone):
        next(lines(settings, made.id))


def test_a_dataset_belongs_to_one_use_case(client: Tropism, use_case: str, write: Write) -> None:
    made = client.datasets.upload(write(Q), "k", use_case=use_case)
    other = f"case-{uuid4().hex[:12]}"
    client.use_cases.create(other)
    for reference in ("k", made.id):
        with pytest.raises(NotFoundError):
            client.datasets.get(reference, use_case=other)
    assert client.datasets.upload(write(Q), "k", use_case=other).id != made.id


def test_a_folder_is_no_destination(client: Tropism, use_case: str, write: Write, tmp_path: Path) -> None:
    client.datasets.upload(write(Q), "k", use_case=use_case)
    with pytest.raises(TropismError, match="directory"):
        client.datasets.download("k", tmp_path / "nowhere" / "k.jsonl", use_case=use_case)


def log(client: Tropism, use_case: str, prompt: str, answer: str, *values: float, **given: Any) -> Any:
    feedbacks = [{"feedback_key": f"{use_case}-stars", "value": value} for value in values[:1]]
    made = client.interactions.create(answer, prompt=prompt, feedbacks=feedbacks, use_case=use_case, **given)  # type: ignore[arg-type]
    for value in values[1:]:
        client.feedback.log_metric(value, made.completion_id, f"{use_case}-stars", user=client.users.me().id)
    return made.completion_id


def test_the_log_becomes_a_dataset_that_does_not_change(call: Both, client: Tropism, use_case: str) -> None:
    first = log(client, use_case, "Q1", "A1", 2, 5, model="echo-a", labels={"a": "b"})
    log(client, use_case, "Q2", "A2")
    filters = {"labels": [{"key": "a"}]}
    some = call("datasets.from_interactions", "some", filters, "Some", use_case=use_case)
    every = call("datasets.from_interactions", "all", use_case=use_case)
    assert (some.kind, some.lines, some.source) == ("PROMPT_COMPLETION_FEEDBACK", 1, "interactions")
    assert some.config["filters"]["labels"][0]["key"] == "a"
    assert (every.kind, every.lines) == ("PROMPT_COMPLETION", 2)
    client.feedback.log_metric(0, first, f"{use_case}-stars")
    log(client, use_case, "Q3", "A3")
    shown = call("datasets.preview", "all", use_case=use_case)
    assert [(line.messages[0].content, line.completion) for line in shown] == [("Q1", "A1"), ("Q2", "A2")]
    assert shown[0].feedbacks == {f"{use_case}-stars": 3.5}, "the mean of two users"
    assert shown[0].metadata == {"completion_id": str(first), "model": "echo-a"}
    assert shown[0].labels == {"a": "b"}


def test_comparisons_become_a_dataset_of_preferences(client: Tropism, use_case: str) -> None:
    key = f"{use_case}-thumbs"
    one, two, three = (log(client, use_case, "Q", answer, model="echo-a") for answer in ("A", "B", "C"))
    other = log(client, use_case, "another", "D")
    for preferred, beaten, tied in ((one, two, None), (two, three, "good"), (one, other, None), (three, one, None)):
        client.feedback.log_preference(key, preferred, beaten, tied=tied, use_case=use_case)  # type: ignore[arg-type]
    made = client.datasets.from_interactions("pairs", preferences=key, use_case=use_case)
    assert (made.kind, made.lines) == ("PREFERENCE", 2)
    assert [(each.feedback_key, each.count) for each in made.feedbacks] == [(key, 2)]
    shown = client.datasets.preview("pairs", use_case=use_case)
    assert [(line.preferred_completion, line.other_completion) for line in shown] == [("A", "B"), ("C", "A")]
    assert shown[0].feedback_key == key
    assert shown[0].metadata == {
        "preferred_id": str(one),
        "preferred_model": "echo-a",
        "other_id": str(two),
        "other_model": "echo-a",
    }


def test_what_cannot_become_a_dataset_is_said_at_once(client: Tropism, server: RunningServer, use_case: str) -> None:
    before = set((server.data / "uploads").glob("*"))
    with pytest.raises(UnprocessableEntityError, match="nothing to keep"):
        client.datasets.from_interactions("k", use_case=use_case)
    log(client, use_case, "Q", "A")
    with pytest.raises(NotFoundError, match="no model 'nobody'"):
        client.datasets.from_interactions("k", {"models": ["nobody"]}, use_case=use_case)
    with pytest.raises(NotFoundError, match="no feedback key 'none'"):
        client.datasets.from_interactions("k", preferences="none", use_case=use_case)
    client.datasets.from_interactions("k", use_case=use_case)
    with pytest.raises(ConflictError, match="already"):
        client.datasets.from_interactions("k", use_case=use_case)
    assert set((server.data / "uploads").glob("*")) == before


@pytest.mark.parametrize("url", ["memory://bucket/prefix", "file://{folder}/kept"])
def test_a_storage_is_named_by_a_url(tmp_path: Path, url: str) -> None:
    storage = storage_of(Settings(storage=url.format(folder=tmp_path)))
    finished = tmp_path / "finished"
    finished.write_bytes(b"lines")
    assert not storage.has("name")
    with pytest.raises(FileNotFoundError):
        storage.open("name")
    storage.publish(finished, "name")
    assert storage.has("name")
    assert not finished.exists()
    with storage.open("name") as file:
        assert file.read() == b"lines"
    storage.remove("name")
    storage.remove("name")
    assert not storage.has("name")


@pytest.mark.parametrize(
    ("url", "reason"), [("gs://bucket", "pip install gcsfs"), ("nothing://bucket", "nothing that fsspec knows")]
)
def test_a_storage_that_cannot_be_used_is_said(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        storage_of(Settings(storage=url))


def test_lines_are_json_of_one_shape(client: Tropism, use_case: str, write: Write, tmp_path: Path) -> None:
    client.datasets.upload(write(RATED), "k", use_case=use_case)
    client.datasets.download("k", tmp_path / "k.jsonl", use_case=use_case)
    (line,) = (tmp_path / "k.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "messages": [{"role": "document", "content": "D"}, {"role": "user", "content": "Q"}],
        "completion": "A",
        "feedbacks": {"stars": 4.0},
        "labels": {"a": "b"},
    }
