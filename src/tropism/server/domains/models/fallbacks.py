"""Fallbacks: the models that answer for an attached one when its engine cannot."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from tropism.server.database.session import Reading, Writing
from tropism.server.domains.models import service
from tropism.server.errors import InvalidRequest, NotFound
from tropism.server.tables.models import attachment, model


def name(transaction: Writing, used: Row[Any], of: Row[Any], references: list[str]) -> None:
    """Name the fallbacks of an attached model, first choice first; none takes them away."""
    rows = [service.find(transaction, reference) for reference in references]
    if references and of.kind != "Generation":
        raise InvalidRequest(
            f"{of.key!r} makes embeddings, which cannot be mixed with those of another model: it takes no fallbacks",
            param="fallbacks",
        )
    if len({row.id for row in rows} | {of.id}) != len(rows) + 1:
        raise InvalidRequest("name each fallback once, and not the model itself", param="fallbacks")
    for row in rows:
        _check(transaction, used, row)
    where = (attachment.c.use_case_id == used.id, attachment.c.model_id == of.id)
    transaction.run(update(attachment).where(*where).values(fallbacks=[str(row.id) for row in rows] or None))


def named_by(session: Reading, use_case_id: UUID, model_id: UUID) -> str | None:
    """The key of an attached model that has this one as a fallback."""
    statement = select(attachment.c.fallbacks, model.c.key).join(model, model.c.id == attachment.c.model_id)
    rows = session.rows(statement.where(attachment.c.use_case_id == use_case_id).order_by(model.c.id))
    return next((row.key for row in rows if str(model_id) in (row.fallbacks or ())), None)


def not_attached(used: str, name: str, param: str = "model") -> NotFound:
    return NotFound(
        f"model {name!r} is not attached to use case {used!r}; attach it with models.attach({name!r})", param=param
    )


def _check(session: Reading, used: Row[Any], row: Row[Any]) -> None:
    """A fallback is attached, too, and can chat."""
    where = (attachment.c.use_case_id == used.id, attachment.c.model_id == row.id)
    if session.row(select(attachment.c.model_id).where(*where)) is None:
        raise not_attached(used.key, row.key, param="fallbacks")
    if row.kind != "Generation":
        raise InvalidRequest(f"{row.key!r} is an embedding model: it cannot answer a chat", param="fallbacks")
