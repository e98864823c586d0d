"""Puts the measured tables where people read them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "benchmarks" / "README.md", ROOT / "docs" / "concepts" / "judges.md")
BEGIN, END = "<!-- judges: begin -->", "<!-- judges: end -->"


def write(text: str) -> None:
    """Replace what stands between the marks of each page."""
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        path.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}", encoding="utf-8")
