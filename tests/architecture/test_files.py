"""Every file of the package is short, and its first line says what it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tropism"
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.stat().st_size)
LONGEST_FILE = 400
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_says_what_it_is_in_its_first_line(path: Path) -> None:
    text = path.read_text()
    said = ast.get_docstring(ast.parse(text), clean=False)
    assert text.startswith('"""'), "the first line is no docstring"
    assert said is not None
    first = said.splitlines()[0]
    assert first.strip(), "the docstring begins with an empty line"
    assert len(first.split()) >= 3, f"{first!r} says too little"


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in FILES}
    long = {str(path.relative_to(SOURCE)): length for path, length in lengths.items() if length > LONGEST_FILE}
    assert not long, "ask what these files really are, and cut them there"


def test_files_are_named_after_what_they_are() -> None:
    vague = [str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if path.stem in NO_NAMES]
    assert not vague, "name each after the one thing that it holds"
