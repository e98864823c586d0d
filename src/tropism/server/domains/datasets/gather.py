"""Write what the log holds as the file of a dataset: a process of its own, run as a module.

All of it is read in one transaction: the dataset is the log as it was at one moment, however long the reading takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any, cast
from uuid import UUID

from msgspec import Struct
from sqlalchemy import select

from tropism.server.clock import Clock
from tropism.server.database.engines import only_reading
from tropism.server.database.session import Reading
from tropism.server.domains.datasets.check import CheckNews
from tropism.server.domains.datasets.shapes import Line, Role, Turn
from tropism.server.domains.datasets.tally import Tally
from tropism.server.domains.interactions import walk
from tropism.server.domains.interactions.filters import conditions
from tropism.server.identity.principal import SYSTEM
from tropism.server.processes.low_priority import answer, asked
from tropism.server.tables.feedback import comparison, feedback_key
from tropism.server.tables.interactions import interaction
from tropism.wire.interactions import Interaction, InteractionFilter

NEWS_EVERY = 5_000
_preferred, _other = interaction.alias("preferred"), interaction.alias("other")


class GatherRequest(Struct, kw_only=True, frozen=True):
    """Which interactions to write where; with `preferences`, pairs that were compared under that key."""

    database: str
    use_case_id: UUID
    filters: InteractionFilter
    preferences: UUID | None
    target: str


def gather(session: Reading, request: GatherRequest) -> Iterator[Line]:
    """The lines, oldest first."""
    if request.preferences is not None:
        return _pairs(session, request, request.preferences)
    pages = walk.pages(lambda: session, request.use_case_id, request.filters)
    return (_line(each) for page in pages for each in page if walk.in_words(each))


def _line(found: Interaction) -> Line:
    """A completion with its feedback: of several users' values for one key, their mean."""
    values: dict[str, list[float]] = {}
    for given in found.direct_feedbacks:
        values.setdefault(given.feedback_key, []).append(given.value)
    return Line(
        messages=_turns(found),
        completion=found.completion,
        feedbacks={key: fmean(each) for key, each in values.items()},
        metadata=found.metadata | _origin(found, "completion_id", "model"),
        labels=found.labels or None,
    )


def _pairs(session: Reading, request: GatherRequest, key_id: UUID) -> Iterator[Line]:
    """A line for every preference between two answers to the same prompt that both match the filters."""
    matching = select(interaction.c.id).where(*conditions(session, request.use_case_id, request.filters))
    statement = (
        select(comparison, feedback_key.c.key)
        .join(feedback_key)
        .join(_preferred, _preferred.c.id == comparison.c.preferred_id)
        .join(_other, _other.c.id == comparison.c.other_id)
        .where(comparison.c.use_case_id == request.use_case_id, comparison.c.feedback_key_id == key_id)
        .where(comparison.c.tied.is_(None), _preferred.c.prompt_hash == _other.c.prompt_hash)
        .where(comparison.c.preferred_id.in_(matching), comparison.c.other_id.in_(matching))
        .order_by(comparison.c.id)
        .limit(walk.AT_ONCE)
    )
    rows = session.rows(statement)
    while rows:
        yield from _of_page(session, rows)
        rows = session.rows(statement.where(comparison.c.id > rows[-1].id))


def _of_page(session: Reading, rows: Any) -> Iterator[Line]:
    ids = list({id for row in rows for id in (row.preferred_id, row.other_id)})
    found = {each.id: each for each in walk.whole(session, ids)}
    for row in rows:
        preferred, other = found[row.preferred_id], found[row.other_id]
        if not (walk.in_words(preferred) and walk.in_words(other)):
            continue
        yield Line(
            messages=_turns(preferred),
            preferred_completion=preferred.completion,
            other_completion=other.completion,
            feedback_key=row.key,
            metadata=_origin(preferred, "preferred_id", "preferred_model") | _origin(other, "other_id", "other_model"),
        )


def _turns(found: Interaction) -> list[Turn]:
    return [Turn(cast(Role, message.role), message.text) for message in found.messages]


def _origin(found: Interaction, id: str, model: str) -> dict[str, str]:
    """Where a completion is logged, and whose it is if that is known."""
    return {id: str(found.id)} | ({model: found.model} if found.model else {})


def main() -> None:
    """Do what we are asked on standard input; tell of it on standard output."""
    request = asked(GatherRequest)
    target = Path(request.target)
    try:
        _write(request, target)
    except OSError as error:  # such as a full disk
        target.unlink(missing_ok=True)
        answer(CheckNews(processed=0, failure=error.strerror or str(error)))


def _write(request: GatherRequest, target: Path) -> None:
    with Tally(target) as tally, closing(only_reading(request.database).connect()) as connection:
        for line in gather(Reading(connection, SYSTEM, Clock()), request):
            tally.add(line)
            if tally.lines % NEWS_EVERY == 0:
                answer(CheckNews(processed=tally.lines))
        if tally.lines:
            answer(CheckNews(processed=tally.lines, counts=tally.finish()))
            return
    target.unlink()
    what = "interaction" if request.preferences is None else "pair of compared answers to the same prompt"
    answer(CheckNews(processed=0, refusal=f"no {what} matches, so there is nothing to keep"))


if __name__ == "__main__":
    main()
