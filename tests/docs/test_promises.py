"""Each promise of the docs has tests, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/concepts/promises.md"
PROMISES = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-Z]", line)]
NAMED = re.compile(r"\[`(\w+)`\]\(([^)]+)\)")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda line: line.split("|")[1].strip()[:40])
def test_a_promise_names_tests_that_are_there(promise: str) -> None:
    named = NAMED.findall(promise)
    assert named
    for name, path in named:
        assert re.search(rf"^(async )?def {name}\(", (PAGE.parent / path).read_text(encoding="utf-8"), re.M), name
