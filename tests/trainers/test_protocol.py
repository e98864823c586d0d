"""Events are read while they are written, a killed writer leaves nothing behind, and half a checkpoint is none."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tropism.trainers import checkpoints, protocol
from tropism.trainers.events import EventWriter, now


def _saved(step: int) -> protocol.Saved:
    return protocol.Saved(at=now(), step=step, path=f"checkpoints/checkpoint-{step}")


def _write_half(folder: Path) -> bytes:
    line = msgspec.json.encode(_saved(2)) + b"\n"
    with (folder / protocol.EVENTS).open("ab") as file:
        file.write(line[:20])
    return line[20:]


def test_a_reader_gets_each_event_once(tmp_path: Path) -> None:
    writer, reader = EventWriter(tmp_path), protocol.EventReader(tmp_path)
    assert reader.read() == []
    first, second = _saved(1), _saved(2)
    writer.write(first)
    assert reader.read() == [first]
    writer.write(second)
    assert protocol.EventReader(tmp_path, reader.offset).read() == [second]


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    reader = protocol.EventReader(tmp_path)
    EventWriter(tmp_path).write(_saved(1))
    rest = _write_half(tmp_path)
    assert len(reader.read()) == 1
    with (tmp_path / protocol.EVENTS).open("ab") as file:
        file.write(rest)
    assert [event.step for event in reader.read() if isinstance(event, protocol.Saved)] == [2]


def test_half_a_line_of_a_killed_writer_is_dropped(tmp_path: Path) -> None:
    reader = protocol.EventReader(tmp_path)
    EventWriter(tmp_path).write(_saved(1))
    _write_half(tmp_path)
    assert len(reader.read()) == 1
    EventWriter(tmp_path).write(_saved(3))
    assert [event.step for event in reader.read() if isinstance(event, protocol.Saved)] == [3]


def test_a_run_without_an_end_has_no_result(tmp_path: Path) -> None:
    assert protocol.read_result(tmp_path) is None


def test_a_half_written_checkpoint_is_removed_and_the_one_before_taken(tmp_path: Path) -> None:
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (2, 10):
        checkpoints.mark_complete(tmp_path / f"checkpoint-{step}")
    last = checkpoints.last_complete(tmp_path)
    assert last == tmp_path / "checkpoint-10"
    assert checkpoints.step_of(last) == 10
    assert not (tmp_path / "checkpoint-12").exists()


def test_without_checkpoints_a_run_begins_at_the_beginning(tmp_path: Path) -> None:
    assert checkpoints.last_complete(tmp_path / "checkpoints") is None
    assert checkpoints.step_of(None) == 0
