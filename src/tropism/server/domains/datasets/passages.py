"""Cut documents into passages that a model can read at once, at the ends of paragraphs, sentences or words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

SEPARATORS = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?…])\s+"), re.compile(r"\s+"))
"""From the best place to cut to the worst that is still none inside of a word."""


def passages(documents: Sequence[str], longest: int) -> list[str]:
    """Passages of at most so many characters; none mixes two documents, blank ones are left out."""
    return [piece for document in documents for piece in _pieces(document.strip(), longest, SEPARATORS) if piece]


def spread(questions: int, over: int) -> list[int]:
    """How many questions each of so many passages gets: as evenly as can be, from the first to the last."""
    return [(place + 1) * questions // over - place * questions // over for place in range(over)]


def _pieces(text: str, longest: int, separators: Sequence[re.Pattern[str]]) -> Iterator[str]:
    if len(text) <= longest:
        yield text
    elif not separators:
        yield from (text[start : start + longest] for start in range(0, len(text), longest))
    else:
        parts = (piece for part in _parts(text, separators[0]) for piece in _pieces(part, longest, separators[1:]))
        yield from _joined(parts, longest)


def _parts(text: str, separator: re.Pattern[str]) -> Iterator[str]:
    """The text cut at every separator; each part keeps the one that follows it, so that nothing is lost."""
    start = 0
    for found in separator.finditer(text):
        yield text[start : found.end()]
        start = found.end()
    yield text[start:]


def _joined(parts: Iterator[str], longest: int) -> Iterator[str]:
    """Neighbours together as long as they fit."""
    held = ""
    for part in parts:
        if held and len(held) + len(part) > longest:
            yield held.strip()
            held = ""
        held += part
    yield held.strip()
