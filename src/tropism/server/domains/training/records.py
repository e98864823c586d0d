"""What trainers say, as rows: each event is stored once, together with how far they were read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, insert, select, update

from tropism.server.clock import EPOCH
from tropism.server.database.session import Reading, Writing
from tropism.server.tables.training import training, training_point
from tropism.trainers import protocol
from tropism.wire import training as wire

MOST_POINTS = 300
"""Of the steps of a trainer so many are kept, evenly spread."""
KEPT_CHECKPOINTS = 2
point = training_point.c


def read_so_far(session: Reading, job_id: UUID, part: str) -> int:
    """How many bytes of a trainer's events are stored."""
    return int(_row(session, job_id).events_read.get(part, 0))


def keep(transaction: Writing, job_id: UUID, part: str, events: Sequence[protocol.Event], read: int) -> None:
    """Store what was said since, up to the byte `read`. What a resumed trainer says anew replaces what it said."""
    row = _row(transaction, job_id)
    values: dict[str, Any] = {"events_read": row.events_read | {part: read}}
    saved = [_checkpoint(part, event) for event in events if isinstance(event, protocol.Saved)]
    if saved:
        values["checkpoints"] = _latest([*row.checkpoints, *saved])
    for event in events:
        if isinstance(event, protocol.Began):
            _forget_after(transaction, job_id, part, event.step)
        elif isinstance(event, protocol.Progress):
            values["progress"] = _progress(part, event)
            if _is_kept(event):
                _point(transaction, job_id, "step", part, event)
        elif isinstance(event, protocol.Validation):
            _point(transaction, job_id, "validation", part, event)
    transaction.run(update(training).where(training.c.job_id == job_id).values(**values))


def curve(session: Reading, job_id: UUID) -> list[wire.TrainingProgress]:
    """The steps that were kept."""
    return [
        wire.TrainingProgress(part=row.part, step=row.step, at=time(row.at_ms), **row.figures)
        for row in _points(session, job_id, "step")
    ]


def validations(session: Reading, job_id: UUID) -> list[wire.TrainingValidation]:
    """What the held-out samples said."""
    return [
        wire.TrainingValidation(part=row.part, step=row.step, at=time(row.at_ms), **row.figures)
        for row in _points(session, job_id, "validation")
    ]


def newest(row: Row[Any]) -> wire.TrainingProgress | None:
    """The step that a trainer has done last."""
    if row.progress is None:
        return None
    return wire.TrainingProgress(**row.progress | {"at": time(row.progress["at"])})


def checkpoints(row: Row[Any]) -> list[wire.Checkpoint]:
    """The states that are kept."""
    return [wire.Checkpoint(**each | {"at": time(each["at"])}) for each in row.checkpoints]


def time(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def _row(session: Reading, job_id: UUID) -> Row[Any]:
    row = session.row(select(training).where(training.c.job_id == job_id))
    assert row is not None
    return row


def _is_kept(event: protocol.Progress) -> bool:
    stride = math.ceil(event.total / MOST_POINTS)
    return event.step % stride == 0 or event.step in (1, event.total)


def _figures(event: protocol.Progress | protocol.Validation) -> dict[str, Any]:
    """The figures of an event. What is no number has no place in JSON, and is shown as unknown."""
    shown = msgspec.to_builtins(event)
    for name in ("event", "at", "step"):
        shown.pop(name)
    shown["metrics"] = {name: value for name, value in shown["metrics"].items() if math.isfinite(value)}
    return {name: _finite(value) for name, value in shown.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _progress(part: str, event: protocol.Progress) -> dict[str, Any]:
    return {"part": part, "step": event.step, "at": event.at, **_figures(event)}


def _point(
    transaction: Writing, job_id: UUID, kind: str, part: str, event: protocol.Progress | protocol.Validation
) -> None:
    figures = _figures(event)
    if kind == "validation":
        figures.pop("total")
    key = {"job_id": job_id, "kind": kind, "part": part, "step": event.step}
    transaction.run(delete(training_point).where(*(training_point.c[name] == value for name, value in key.items())))
    transaction.run(insert(training_point).values(**key, at_ms=event.at, figures=figures))


def _forget_after(transaction: Writing, job_id: UUID, part: str, step: int) -> None:
    """What was done after the checkpoint that a trainer goes on from is done again."""
    later = (point.job_id == job_id, point.part == part, point.step > step)
    transaction.run(delete(training_point).where(*later))


def _checkpoint(part: str, event: protocol.Saved) -> dict[str, Any]:
    return {"part": part, "step": event.step, "at": event.at}


def _latest(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of each part the checkpoints that its trainer keeps."""
    of_part: dict[str, dict[int, Mapping[str, Any]]] = {}
    for each in found:
        of_part.setdefault(each["part"], {})[each["step"]] = each
    return [by_step[step] for by_step in of_part.values() for step in sorted(by_step)[-KEPT_CHECKPOINTS:]]


def _points(session: Reading, job_id: UUID, kind: str) -> Iterator[Row[Any]]:
    wanted = select(training_point).where(point.job_id == job_id, point.kind == kind)
    yield from session.rows(wanted.order_by(point.part, point.step))
