"""The measured tables in the documentation: all of them anew, or some of them in their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks import markdown

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "ab-statistics.md"
END = "<!-- ab_validity: end -->"
GOALS = "### Goals"


def write(text: str) -> None:
    """Put `text` in the place of all that was measured before."""
    markdown.write("ab_validity", text, PAGE)


def merge(tables: Sequence[str], goals: str) -> None:
    """Put these tables in the places of those with the same title, or before the goals; and their goals among those."""
    page = PAGE.read_text(encoding="utf-8")
    for table in tables:
        title = table.splitlines()[0]
        old = re.compile(rf"^{re.escape(title)}\n.*?(?=^### |^{END})", re.DOTALL | re.MULTILINE)
        page = old.sub(lambda _, new=table: f"{new.rstrip()}\n\n", page)  # type: ignore[misc]
        if f"{title}\n" not in page:
            page = page.replace(GOALS, f"{table.rstrip()}\n\n{GOALS}")
    PAGE.write_text(_with_goals(page, goals), encoding="utf-8")


def _with_goals(page: str, goals: str) -> str:
    head, tail = page.split(GOALS)
    table, end, after = tail.partition(f"\n\n{END}")
    for row in goals.splitlines()[4:]:
        claim = row.split(" | ")[0]
        if not claim:
            continue
        lines = [line for line in table.splitlines() if not line.startswith(f"{claim} |")]
        table = "\n".join([*lines, row])
    return f"{head}{GOALS}{table}{end}{after}"
