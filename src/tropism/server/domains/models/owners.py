"""Whose a model is: every team may use it, and its own team alone says how it runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, true

from tropism.server.database.session import Reading
from tropism.server.errors import Forbidden
from tropism.server.identity.grants import seen_by
from tropism.server.tables.access import team
from tropism.server.tables.jobs import job
from tropism.server.tables.models import attachment, model
from tropism.server.tables.use_cases import use_case


def of_new(session: Reading, job_id: UUID | None = None) -> UUID:
    """The team of the job that makes a model; without one, the oldest of the caller's, or of all for ourselves."""
    if job_id is not None:
        made_for: UUID = session.value(select(job.c.team_id).where(job.c.id == job_id))
        return made_for
    mine = true() if session.principal.is_system else team.c.id.in_(session.principal.grants)
    oldest: UUID = session.value(select(team.c.id).where(mine).order_by(team.c.id).limit(1))
    return oldest


def refuse_others(session: Reading, row: Row[Any]) -> None:
    """Raise for the model of another team: what is asked of it there is none of the caller's business."""
    if not session.principal.belongs_to(row.team_id):
        raise Forbidden(f"{row.key!r} is run by another team; you can use it, and add a model of your own to change")
    session.about(row.team_id)


def used_by(session: Reading, id: UUID) -> str:
    """The use cases that want this model, or a variant of it, online; of other teams' no name is told."""
    statement = (
        select(use_case.c.key, seen_by(session.principal).label("is_seen"))
        .join(attachment, attachment.c.use_case_id == use_case.c.id)
        .join(model, attachment.c.model_id == model.c.id)
        .where(attachment.c.desired_online, (model.c.id == id) | (model.c.backbone_id == id))
        .distinct()
    )
    return ", ".join(dict.fromkeys(row.key if row.is_seen else "other teams" for row in session.rows(statement)))
