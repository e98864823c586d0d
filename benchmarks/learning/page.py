"""The two tables, and where they stand in the documentation. Rows are kept, so that one method can be measured anew."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from benchmarks import markdown
from benchmarks.learning.base import BENCH
from benchmarks.learning.methods import TASKS
from benchmarks.learning.report import LEARNT_HEAD, SPEED_HEAD, Row

ROW = "row.json"


def text(rows: Sequence[Row]) -> str:
    """Both tables."""
    learnt = markdown.table(LEARNT_HEAD, [row.learnt for row in rows])
    speeds = markdown.table(SPEED_HEAD, [cells for row in rows for cells in row.speeds])
    return f"{learnt}\n\n{speeds}\n"


def keep(row: Row) -> None:
    (BENCH / row.name.lower() / ROW).write_bytes(msgspec.json.encode(row))


def write() -> None:
    """Put the rows that are kept between the marks of the page."""
    kept = [BENCH / name.lower() / ROW for name in TASKS]
    rows = [msgspec.json.decode(path.read_bytes(), type=Row) for path in kept if path.exists()]
    markdown.write("learning", text(rows))
