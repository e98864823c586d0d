"""Documents longer than a judge's context: read in several windows, up to a limit that is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tropism.judges.show import fenced, pieces, weight

MOST_WINDOWS = 8
"""Beyond them nothing is read: each one is a call."""


@dataclass(frozen=True, slots=True)
class Windows:
    """What is shown, one question each; the note says what of it is not shown, and is empty otherwise."""

    windows: Sequence[str]
    note: str


def windows(documents: Sequence[str], most: int) -> Windows:
    """Pack documents into windows of about `most` tokens; one that is longer is cut into pieces."""
    packed: list[list[str]] = [[]]
    used, note = 0, ""
    for number, piece in _pieces(documents, most):
        if used and used + weight(piece) > most:
            if len(packed) == MOST_WINDOWS:
                note = f"; only the first {MOST_WINDOWS} parts of the documents were read"
                break
            packed.append([])
            used = 0
        packed[-1].append(fenced("document", piece, number))
        used += weight(piece)
    return Windows(windows=["\n".join(window) for window in packed], note=note)


def _pieces(documents: Sequence[str], most: int) -> Iterator[tuple[int, str]]:
    for number, document in enumerate(documents, 1):
        for piece in pieces(document, most):
            yield number, piece
