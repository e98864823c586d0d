"""Watching the log: what was logged since the last look, for as long as somebody watches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from sqlalchemy import select

from tropism.server.context import Context
from tropism.server.database.session import Reading
from tropism.server.domains.interactions import queries
from tropism.server.domains.interactions.filters import conditions
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import TropismError
from tropism.server.tables.interactions import interaction
from tropism.server.waiting import stops_within
from tropism.server.web.callers import again
from tropism.server.web.http import problem_body
from tropism.wire import interactions as wire
from tropism.wire.sse import event

LOOK_SECONDS = 1.0
LOOKS_UNTIL_A_SIGN = 15
"""After so many looks that found nothing, a comment tells proxies and clients that the watch goes on."""
NEWEST = 200
"""So many are looked at each time. An answer is logged when it ends, and its id is of when it began: what is new may
stand behind what is known."""
encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Watch:
    """What is watched, and which of the newest were seen."""

    use_case_id: UUID
    filters: wire.InteractionFilter
    seen: set[UUID] = field(default_factory=set)


def begin(session: Reading, request: wire.InteractionWatch) -> Watch:
    """A watch that has seen what is there."""
    watch = Watch(use_cases.find(session, request.use_case).id, request.filters or wire.InteractionFilter())
    watch.seen = set(_newest(session, watch))
    return watch


def look(session: Reading, watch: Watch) -> list[wire.Interaction]:
    """What came since the last look, oldest first; `NotFound` once the use case is not there for the caller."""
    use_cases.find(session, str(watch.use_case_id))
    newest = _newest(session, watch)
    came = [id for id in newest if id not in watch.seen]
    watch.seen = set(newest)
    return queries.described(session, came[::-1])


def _newest(session: Reading, watch: Watch) -> list[UUID]:
    matching = conditions(session, watch.use_case_id, watch.filters)
    newest = select(interaction.c.id).where(*matching).order_by(interaction.c.id.desc()).limit(NEWEST)
    return [row.id for row in session.rows(newest)]


async def events(context: Context, watch: Watch) -> AsyncIterator[bytes]:
    """Each as an event, until nobody listens, the server stops, or the caller may not read any more."""
    quiet = 0
    yield b": it begins\n\n"
    try:
        while not await stops_within(context.services.stopping, LOOK_SECONDS):
            came = await again(context, wire.WATCH).read(look, watch)
            quiet = 0 if came else quiet + 1
            for each in came:
                yield event(encode(each))
            if quiet >= LOOKS_UNTIL_A_SIGN:
                quiet = 0
                yield b": it goes on\n\n"
    except TropismError as error:
        yield event(problem_body(wire.WATCH.path, error))
