"""The log as a file: JSON lines or Parquet, all of it or what matches."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from pyarrow import parquet
from tests.conftest import Both

from tropism import NotFoundError, Tropism, TropismError, UnprocessableEntityError
from tropism.wire.interactions import Interaction


@pytest.fixture
def logged(client: Tropism, use_case: str) -> list[Interaction]:
    """Three interactions, oldest first: the second with feedback and a label, compared with the first."""
    stars, thumbs = f"{use_case}-stars", f"{use_case}-thumbs"
    ids = [
        client.chat.create([{"role": "user", "content": "Q"}], labels=labels, use_case=use_case)
        .choices[0]
        .completion_id
        for labels in ({}, {"channel": "web"})
    ]
    client.feedback.log_metric(2.5, ids[1], stars, details="so so")
    client.feedback.log_preference(thumbs, ids[0], ids[1], use_case=use_case)
    ids.append(client.interactions.create("A\nB", prompt="é", use_case=use_case).completion_id)
    return [client.interactions.get(id, use_case=use_case) for id in ids]


def read(path: Path) -> list[Interaction]:
    return [msgspec.json.decode(line, type=Interaction) for line in path.read_bytes().splitlines()]


def test_the_log_is_exported_oldest_first(call: Both, use_case: str, logged: list[Interaction], tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("what was there before")
    assert call("interactions.export", path, use_case=use_case) == 3
    assert read(path) == logged
    assert [each.name for each in tmp_path.iterdir()] == ["log.jsonl"]


def test_an_export_gives_way_alone(client: Tropism, use_case: str, tmp_path: Path) -> None:
    """Where Linux shares the processor out between sessions, one that gives way takes all its session along."""
    priority = Path("/proc/self/autogroup")
    if not priority.exists():
        pytest.skip("this system does not share the processor out between sessions")
    before = priority.read_text()
    client.interactions.export(tmp_path / "log.jsonl", use_case=use_case)
    assert priority.read_text() == before


def test_filters_are_those_of_the_list(
    client: Tropism, use_case: str, logged: list[Interaction], tmp_path: Path
) -> None:
    path = tmp_path / "log.jsonl"
    filters = {"labels": [{"key": "channel", "value": ["web"]}]}
    assert client.interactions.export(path, filters=filters, use_case=use_case) == 1  # type: ignore[arg-type]
    assert read(path) == logged[1:2]


def test_pages_follow_each_other(client: Tropism, use_case: str, tmp_path: Path) -> None:
    many = [{"completion": str(number), "prompt": "Q"} for number in range(1_001)]
    client.interactions.create_many(many[:1_000], use_case=use_case)  # type: ignore[arg-type]
    client.interactions.create_many(many[1_000:], use_case=use_case)  # type: ignore[arg-type]
    assert client.interactions.export(tmp_path / "log.jsonl", use_case=use_case) == 1_001
    exported = read(tmp_path / "log.jsonl")
    assert {each.completion for each in exported} == {each["completion"] for each in many}
    assert [each.id for each in exported] == sorted(each.id for each in exported)


def test_parquet_has_a_column_for_every_field(
    client: Tropism, use_case: str, logged: list[Interaction], tmp_path: Path
) -> None:
    assert client.interactions.export(tmp_path / "log.parquet", "parquet", use_case=use_case) == 3
    table = parquet.read_table(tmp_path / "log.parquet")
    assert tuple(table.column_names) == Interaction.__struct_fields__
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [str(each.id) for each in logged]
    assert [row["created_at"] for row in rows] == [each.created_at for each in logged]
    assert rows[1]["labels"] == [{"name": "channel", "value": "web"}]
    assert rows[1]["direct_feedbacks"][0]["value"] == 2.5
    assert rows[1]["comparison_feedbacks"][0]["preferred_completion_id"] == str(logged[0].id)
    assert (rows[2]["messages"][0]["role"], rows[2]["messages"][0]["content"]) == ("user", "é")


def test_parts_and_calls_have_columns(client: Tropism, use_case: str, tmp_path: Path) -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}]
    parts = [{"type": "text", "text": "Q"}]
    said = [{"role": "user", "content": parts}]
    client.interactions.create("", messages=said, tools=tools, tool_calls=calls, metadata={"a": [1]}, use_case=use_case)
    client.interactions.export(tmp_path / "log.parquet", "parquet", use_case=use_case)
    (row,) = parquet.read_table(tmp_path / "log.parquet").to_pylist()
    assert row["tool_calls"] == calls
    assert (row["tools"][0]["function"]["parameters"], row["tools"][0]["function"]["strict"]) == (
        '{"type":"object"}',
        True,
    )
    assert (row["messages"][0]["content"], row["metadata"]) == ('[{"type":"text","text":"Q"}]', '{"a":[1]}')


def test_an_empty_log_is_an_empty_file(client: Tropism, use_case: str, tmp_path: Path) -> None:
    assert client.interactions.export(tmp_path / "log.jsonl", use_case=use_case) == 0
    assert (tmp_path / "log.jsonl").read_bytes() == b""


def test_what_is_wrong_is_said_before_a_file_is_made(call: Both, use_case: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with pytest.raises(NotFoundError, match="no model 'nobody'"):
        call("interactions.export", path, filters={"models": ["nobody"]}, use_case=use_case)
    with pytest.raises(NotFoundError, match="no use case"):
        call("interactions.export", path, use_case=f"case-{uuid4().hex}")
    with pytest.raises(UnprocessableEntityError):
        call("interactions.export", path, filters={"colour": "red"}, use_case=use_case)
    with pytest.raises(TropismError, match="No such file or directory"):
        call("interactions.export", tmp_path / "nowhere" / "log.jsonl", use_case=use_case)
    assert list(tmp_path.iterdir()) == []
