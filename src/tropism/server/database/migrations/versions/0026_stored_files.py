"""Files of models in the storage, for deployments whose machines have a data directory each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", "sha256"),
    )
    op.create_index("ix_stored_file_owner_id", "stored_file", ["owner_id"])
    # A relative path was that of a bundled model, from where the engine was started; each start writes it anew.
    model = sa.table("model", sa.column("path", sa.String()))
    is_bundled = model.c.path.like("%/models/%-q8_0-v%.gguf")
    op.execute(sa.update(model).where(model.c.path.not_like("/%"), is_bundled).values(path=None))
