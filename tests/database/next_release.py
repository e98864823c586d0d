"""The schema of a next release, which is ours and one revision more, to try what we do with a database of its."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import indent

from tropism.server.database.upgrades import REVISIONS, newest_revision

REVISION = "next"
ADDITIVE = """
op.add_column("interaction", sa.Column("mood", sa.String(), nullable=True))
op.add_column("feedback", sa.Column("weight", sa.Float(), nullable=False, server_default="1"))
op.add_column("ab_test", sa.Column("channel", sa.String(), nullable=False, server_default="web"))
op.add_column("use_case", sa.Column("colour", sa.String(), nullable=True))
op.create_index("ix_interaction_mood", "interaction", ["use_case_id", "mood"])
op.create_table("mood", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("name", sa.String()))
"""


def revisions(folder: Path, upgrade: str = ADDITIVE, *, is_breaking: bool = False) -> Path:
    """A folder of revisions in which `upgrade` is the body of the last one."""
    shutil.copytree(REVISIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = {REVISION!r}\ndown_revision = {newest_revision()!r}\nis_breaking = {is_breaking}\n\n\n"
        f"def upgrade() -> None:\n{indent(upgrade, '    ')}"
    )
    return folder
