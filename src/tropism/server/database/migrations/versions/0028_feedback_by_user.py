"""The feedback of one person, and that with one reason, off an index of its own: lists filter by both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
is_breaking = False
_GIVEN = ["use_case_id", "feedback_key_id"]


def upgrade() -> None:
    op.create_index("ix_feedback_user", "feedback", [*_GIVEN, "user_id", "completion_id"])
    has_reason = sa.text("reason IS NOT NULL")
    op.create_index(
        "ix_feedback_reason",
        "feedback",
        [*_GIVEN, "reason", "completion_id"],
        sqlite_where=has_reason,
        postgresql_where=has_reason,
    )
