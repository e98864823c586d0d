"""The two tables, and where they stand in the documentation. Rows are kept, so that one method can be measured anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchmarks.learning.base import BENCH
from benchmarks.learning.methods import TASKS
from benchmarks.learning.report import LEARNT_HEAD, SPEED_HEAD, Row

PAGE = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- learning: begin -->", "<!-- learning: end -->"
ROW = "row.json"


def text(rows: Sequence[Row]) -> str:
    """Both tables."""
    learnt = _table(LEARNT_HEAD, [row.learnt for row in rows])
    speeds = _table(SPEED_HEAD, [cells for row in rows for cells in row.speeds])
    return "\n".join([*learnt, "", *speeds, ""])


def keep(row: Row) -> None:
    (BENCH / row.name.lower() / ROW).write_bytes(msgspec.json.encode(row))


def write() -> None:
    """Put the rows that are kept between the marks of the page."""
    kept = [BENCH / name.lower() / ROW for name in TASKS]
    rows = [msgspec.json.decode(path.read_bytes(), type=Row) for path in kept if path.exists()]
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text(rows).strip()}\n\n{END}{after}", encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
