"""What the lines of a dataset are together: their kind, their number, the feedback that they carry."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Self

from msgspec import Struct

from tropism.server.domains.datasets import shapes
from tropism.server.domains.datasets.files import compressed
from tropism.wire.datasets import Kind

LEAST_FIRST: tuple[Kind, ...] = ("PROMPT", "PROMPT_COMPLETION", "PROMPT_COMPLETION_FEEDBACK")
MOST_FEEDBACK_KEYS = 1_000


class Counts(Struct, kw_only=True, frozen=True):
    """A dataset in numbers; `bytes` are those of a download."""

    kind: Kind
    lines: int
    bytes: int
    feedbacks: dict[str, int]


class Tally:
    """Writes lines into a new compressed file and counts them. `BadLine` for one that does not go with the others.

    The kind is the least that holds for every line: with one line without feedback, it is no dataset of feedback.
    Preferences have another shape and go with nothing else.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._out = compressed(self._file)
        self._kind: Kind | None = None
        self._feedbacks: Counter[str] = Counter()
        self.lines = self.bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, line: shapes.Line) -> None:
        kind = self._kind_with(line.kind)
        text = shapes.written(line)
        self._feedbacks.update(list(line.feedbacks) if line.feedback_key is None else [line.feedback_key])
        if len(self._feedbacks) > MOST_FEEDBACK_KEYS:
            raise shapes.BadLine(f"it brings more than {MOST_FEEDBACK_KEYS} feedback keys together")
        self._out.write(text)
        self._kind, self.lines, self.bytes = kind, self.lines + 1, self.bytes + len(text)

    def finish(self) -> Counts:
        """Put the file on disk; there must have been a line."""
        assert self._kind is not None
        self._out.close()  # type: ignore[no-untyped-call]
        self._file.flush()
        os.fsync(self._file.fileno())
        return Counts(kind=self._kind, lines=self.lines, bytes=self.bytes, feedbacks=dict(self._feedbacks))

    def _kind_with(self, kind: Kind) -> Kind:
        if self._kind is None:
            return kind
        if (kind == "PREFERENCE") != (self._kind == "PREFERENCE"):
            others = "the lines before it are" if self._kind == "PREFERENCE" else "the lines before it are not"
            raise shapes.BadLine(f"a file holds preferences or other lines, not both; {others} preferences")
        return kind if kind == "PREFERENCE" else min(kind, self._kind, key=LEAST_FIRST.index)
