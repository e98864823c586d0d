"""Links between pages lead to files and headings that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .blocks import FENCE, PAGES, ROOT

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NOT_FOR_PUBLIC = re.compile(r"/(?:home|root|work|mnt)/\w|\.internal\b|\b10\.\d+\.\d+\.\d+")


def _prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for link in LINK.findall(_prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{link}: no such file"
        if anchor and file.suffix == ".md":
            assert anchor in _anchors(file), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_found(page: Path) -> None:
    """Whoever reads README or docs/README.md reaches every page by links."""
    roots = [ROOT / "README.md", ROOT / "docs" / "README.md"]
    seen: set[Path] = set()
    while roots:
        here = roots.pop()
        if here in seen or not here.exists():
            continue
        seen.add(here)
        for link in LINK.findall(_prose(here)):
            target = (here.parent / link.partition("#")[0]).resolve()
            roots += [target / "README.md"] if target.is_dir() else [target] if target.suffix == ".md" else []
    assert page in seen


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_machine_of_ours(page: Path) -> None:
    assert not NOT_FOR_PUBLIC.search(page.read_text())
