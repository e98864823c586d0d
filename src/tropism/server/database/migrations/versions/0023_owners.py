"""Whose models and roles are. Those from before are the oldest team's, but for what a job made for another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id

revision = "0023"
down_revision = "0022"

OLDEST = "(select id from team order by id limit 1)"
OF_ITS_JOB = "(select job.team_id from job where job.id = coalesce(model.training_job_id, model.id))"


def upgrade() -> None:
    for table in ("model", "role"):
        op.add_column(table, sa.Column("team_id", Id(length=16), nullable=True))
    op.execute(f"update model set team_id = coalesce({OF_ITS_JOB}, {OLDEST})")
    op.execute(f"update role set team_id = {OLDEST}")
