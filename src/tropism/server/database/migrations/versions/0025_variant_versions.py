"""Versions of variants; what is there is their first one. System prompts are templates now, so braces are marked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = "0025"
down_revision = "0024"
MARKS = ("{{", "{%", "{#")


def upgrade() -> None:
    op.add_column("model", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("interaction", sa.Column("model_version", sa.Integer(), nullable=True))
    op.add_column("interaction_body", sa.Column("system_prompt_args", Json(), nullable=True))
    op.create_table(
        "variant_version",
        sa.Column("model_id", Id(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", Id(), nullable=False),
        sa.Column("system_prompt", sa.String(), nullable=True),
        sa.Column("parameters", Json(), nullable=True),
        sa.Column("restored", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"]),
        sa.PrimaryKeyConstraint("model_id", "number"),
    )
    model = sa.table("model", sa.column("id", Id()), sa.column("backbone_id", Id()), sa.column("version"), *_said())
    versions = sa.table(
        "variant_version", sa.column("model_id", Id()), sa.column("number"), sa.column("id", Id()), *_said()
    )
    is_variant = model.c.system_prompt.is_not(None) | model.c.parameters.is_not(None)
    connection = op.get_bind()
    for row in connection.execute(sa.select(model).where(is_variant, model.c.backbone_id.is_not(None))).all():
        text = _as_it_is(row.system_prompt)
        first = {"model_id": row.id, "number": 1, "id": row.id, "system_prompt": text, "parameters": row.parameters}
        connection.execute(sa.insert(versions).values(**first))
        connection.execute(sa.update(model).where(model.c.id == row.id).values(system_prompt=text, version=1))


def _said() -> tuple[sa.ColumnClause[str], sa.ColumnClause[bytes]]:
    """What makes a variant, as it lies in the database."""
    return sa.column("system_prompt", sa.String()), sa.column("parameters", sa.LargeBinary())


def _as_it_is(text: str | None) -> str | None:
    """A text that says the same as a template."""
    if text is None or not any(mark in text for mark in MARKS):
        return text
    return "{% raw %}" + text + "{% endraw %}"
