"""Cutting an answer into sentences: in code, so that no model can leave one out or make one up."""

from __future__ import annotations

import re

# An end: a mark, perhaps a closing quote or bracket, then white space; in Chinese and Japanese no space is needed.
# What looks like an abbreviation or an initial does not end a sentence.
_END = re.compile(
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)\]]))(?<!\b[A-Z]\.)(?<!\b(?:Mr|Dr|vs|St|No)\.)(?<!\b(?:Mrs|etc)\.)"
    r"(?<!\be\.g\.)(?<!\bi\.e\.)\s+(?=\S)|(?<=[。！？])"
)
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")


def sentences(text: str) -> list[str]:
    """The sentences of a text; each item of a list, too, is one. Marks without a letter or digit are none."""
    lines = (_BULLET.sub("", line) for line in text.splitlines())
    found = (part.strip() for line in lines for part in _END.split(line))
    return [part for part in found if any(map(str.isalnum, part))]
