"""Tables are shared for reading; each is written by the domain whose file it is in."""

from __future__ import annotations

import re
from pathlib import Path

SERVER = Path(__file__).parents[2] / "src" / "tropism" / "server"
TABLE = re.compile(r"^(\w+) = Table\(", re.MULTILINE)
WRITE = re.compile(r"\b(?:insert|update|delete)\((?:\w+\.)?(\w+)\)|\b(\w+)\.(?:insert|update|delete)\(\)")

EXCEPTIONS = {
    ("feedback", "linked_feedback_key"),  # a link belongs to the use case's row and to feedback's rules
}


def test_only_the_owner_writes_a_table() -> None:
    owners = {
        table: file.stem for file in (SERVER / "tables").glob("*.py") for table in TABLE.findall(file.read_text())
    }
    written = {
        (file.parent.name, table)
        for file in (SERVER / "domains").rglob("*.py")
        for found in WRITE.findall(file.read_text())
        for table in found
        if table in owners
    }
    assert {domain for domain, _ in written} >= {"ab_tests", "feedback", "interactions", "models"}
    foreign = {(domain, table) for domain, table in written if owners[table] != domain}
    assert foreign - EXCEPTIONS == set(), "call a service of the owner instead"


def test_the_revisions_of_the_schema_are_one_chain() -> None:
    """Two that were written at the same time follow the same one; then a database is brought up to date by neither."""
    files = sorted((SERVER / "database" / "migrations" / "versions").glob("0*.py"))
    found = [re.findall(r'^(?:down_)?revision = "?(\w+)"?$', file.read_text(), re.MULTILINE) for file in files]
    assert [[file.name[:4], before] for file, (_, before) in zip(files, found, strict=True)] == [
        [number, f"{place:04}" if place else "None"] for place, number in enumerate(revision for revision, _ in found)
    ]
