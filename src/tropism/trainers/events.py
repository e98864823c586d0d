"""Writes the events and the result of a run, so that a reader never sees half of one and a crash loses none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from tropism.trainers import protocol


class EventWriter:
    """Appends to the events of a run. Of several processes that train together only the first writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._speaks = int(os.environ.get("RANK", "0")) == 0
        if self._speaks:
            _drop_half_line(folder / protocol.EVENTS)

    def write(self, event: protocol.Event) -> None:
        if self._speaks:
            with (self.folder / protocol.EVENTS).open("ab") as file:
                file.write(msgspec.json.encode(event) + b"\n")

    def warn(self, message: str) -> None:
        self.write(protocol.Warned(at=now(), message=message))

    def finish(self, result: protocol.Result) -> None:
        if self._speaks:
            protocol.write_whole(self.folder / protocol.RESULT, result)


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _drop_half_line(path: Path) -> None:
    """What a killed process left behind. No reader has taken it, as it has no end."""
    if not path.exists():
        return
    written = path.read_bytes()
    whole = written.rfind(b"\n") + 1
    if whole < len(written):
        os.truncate(path, whole)
