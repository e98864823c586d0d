"""Walk through the whole log, or what matches a filter, oldest first and with a few interactions in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from sqlalchemy import select

from tropism.server.clock import first_id_at, milliseconds
from tropism.server.database.session import Reading
from tropism.server.domains.interactions.filters import conditions
from tropism.server.domains.interactions.queries import described as whole
from tropism.server.tables.interactions import interaction
from tropism.wire.interactions import Interaction, InteractionFilter

__all__ = ["AT_ONCE", "behind_the_newest", "in_words", "pages", "whole"]
AT_ONCE = 500
log = interaction.c


def pages(begin: Callable[[], Reading], use_case_id: UUID, filters: InteractionFilter) -> Iterator[list[Interaction]]:
    """Every interaction that is there now. `begin` gives the transaction for each page: always the same, or a new one.

    In transactions of their own, pages see what was written meanwhile: a value of feedback, or an interaction that was
    logged as one of the past. None comes twice, and none that was logged later.
    """
    session = begin()
    matching = conditions(session, use_case_id, filters)
    until = behind_the_newest(session, use_case_id, first_id_at(milliseconds(session.now) + 1))
    statement = select(log.id).where(*matching, log.id < until).order_by(log.id).limit(AT_ONCE)
    ids = [row.id for row in session.rows(statement)]
    while ids:
        yield whole(session, ids)
        session = begin()
        ids = [row.id for row in session.rows(statement.where(log.id > ids[-1]))]


def behind_the_newest(session: Reading, use_case_id: UUID, id: UUID) -> UUID:
    """This id, unless the log has later ones: clocks are set back, and those of several machines differ."""
    newest = session.value(select(log.id).where(log.use_case_id == use_case_id).order_by(log.id.desc()).limit(1))
    return id if newest is None or newest < id else UUID(int=newest.int + 1)


def in_words(found: Interaction) -> bool:
    """Whether nothing but text was said: no calls of tools, no pictures. Datasets and trainers know only that."""
    return not found.tool_calls and all(
        isinstance(message.content, str) and message.role != "tool" and not message.tool_calls
        for message in found.messages
    )
