"""How patient an attachment is, how many requests a model may have at once, and the attempts at an answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Json

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("attachment", sa.Column("reliability", Json(), nullable=True))
    op.add_column("model", sa.Column("concurrency", Json(), nullable=True))
    op.add_column("interaction", sa.Column("attempts", Json(), nullable=True))
