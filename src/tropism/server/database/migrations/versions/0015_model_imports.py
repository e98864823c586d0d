"""Models that are brought here: where they come from, and what the job that does it may not tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Json

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("model", sa.Column("weights_path", sa.String(), nullable=True))
    op.add_column("model", sa.Column("origin", Json(), nullable=True))
    op.add_column("job", sa.Column("secret", sa.LargeBinary(), nullable=True))
