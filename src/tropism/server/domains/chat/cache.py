"""Answers that are given again: to the same question, of the same model, in the same use case, while that wants it.

The cache holds no words. It points into the log, so what is deleted there is never given again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert  # what it adds is compiled for SQLite as well

from tropism.engines.protocol import Prompt
from tropism.server.clock import first_id_at, milliseconds
from tropism.server.database.connect import Database
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.chat.choice import Choice, Earlier
from tropism.server.domains.chat.routing import Route
from tropism.server.domains.interactions.records import Record
from tropism.server.identity.principal import SYSTEM
from tropism.server.snapshot import ServedUseCase
from tropism.server.tables.chat import cached_answer
from tropism.server.tables.interactions import interaction, interaction_body
from tropism.server.tables.use_cases import use_case
from tropism.wire.chat import ChatMessage
from tropism.wire.parts import FilePart, ImagePart
from tropism.wire.tools import ToolCall
from tropism.wire.use_cases import CACHED_ANSWERS

HEADER = "x-tropism-cache"
ENDED_WELL = ("stop", "tool_calls")
AT_ONCE = 500
_added = insert(cached_answer)
_KEEP = _added.on_conflict_do_update(index_elements=["digest"], set_={"interaction_id": _added.excluded.interaction_id})


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is to be given again, as it is stored."""

    digest: bytes
    use_case_id: UUID
    interaction_id: UUID


def digests(route: Route, choices: Sequence[Choice]) -> list[bytes]:
    """What the answers to a request are kept under, one for each; none where they are made anew in any case.

    An A/B test takes no part: its answers are to be independent of each other, and as slow and dear as they are.
    """
    if route.use_case.cache_seconds is None or route.test is not None or not _repeats(choices[0]):
        return []
    return [_digest(route.use_case.id, choice, len(choices)) for choice in choices]


def _repeats(choice: Choice) -> bool:
    """Whether the same question means the same. What is behind a URL may change, and the log has no probabilities."""
    wanted = choice.model.desired_online and choice.model.online != "OFFLINE"
    return wanted and not choice.prompt.logprobs and not any(map(_is_elsewhere, choice.prompt.messages))


def _is_elsewhere(message: ChatMessage) -> bool:
    parts = message.content if isinstance(message.content, list) else ()
    return any(
        (isinstance(part, ImagePart) and not part.image_url.url.startswith("data:"))
        or (isinstance(part, FilePart) and part.file.file_id is not None)
        for part in parts
    )


def _digest(use_case_id: UUID, choice: Choice, of: int) -> bytes:
    """Of all that can change the answer: who is asked, what, and which of how many answers it is."""
    asked = msgspec.json.encode([use_case_id, choice.index, of, _asked(choice.prompt)])
    return hashlib.sha256(choice.model.makeup + asked).digest()


def _asked(prompt: Prompt) -> Prompt:
    return replace(prompt, stream=False)


def look_up(session: Reading, used: ServedUseCase, wanted: Sequence[bytes]) -> list[Earlier]:
    """The answers that are given again, in their order: all of them, or none."""
    assert used.cache_seconds is not None
    oldest = first_id_at(milliseconds(session.now - timedelta(seconds=used.cache_seconds)))
    kept = cached_answer.c
    statement = (
        select(kept.digest, kept.interaction_id, interaction.c.finish_reason)
        .add_columns(interaction_body.c.completion, interaction_body.c.tool_calls)
        .join(interaction, interaction.c.id == kept.interaction_id)
        .join(interaction_body, interaction_body.c.id == kept.interaction_id)
        .where(kept.digest.in_(wanted), kept.use_case_id == used.id, kept.interaction_id >= oldest)
    )
    found = {bytes(row.digest): _earlier(row) for row in session.rows(statement)}
    return [found[digest] for digest in wanted] if len(found) == len(wanted) else []


def _earlier(row: Any) -> Earlier:
    return Earlier(
        completion_id=row.interaction_id,
        text=row.completion,
        tool_calls=msgspec.convert(row.tool_calls or [], list[ToolCall]),
        finish_reason=row.finish_reason,
    )


def kept(digest: bytes, choice: Choice, made: Record, stored: Record) -> Kept | None:
    """The answer as it is to be given again, if it is: whole, by the model that was asked, stored as it was said."""
    if choice.earlier is not None or choice.model is not choice.assigned or made.finish_reason not in ENDED_WELL:
        return None
    if not (made.completion or made.tool_calls) or _said(made) != _said(stored):
        return None
    return Kept(digest, made.use_case_id, made.id)


def _said(record: Record) -> tuple[Any, ...]:
    return record.messages, record.completion, record.tool_calls, record.system_prompt_args


def keep(transaction: Writing, answers: Iterable[Kept | None]) -> None:
    """Remember answers, in the transaction that logs them; the latest one to a question takes the place of others."""
    rows = {each.digest: each for each in answers if each is not None}
    if rows:
        transaction.run(_KEEP, [_row(each) for each in rows.values()])


def _row(each: Kept) -> Mapping[str, Any]:
    return {"digest": each.digest, "use_case_id": each.use_case_id, "interaction_id": each.interaction_id}


def clear(transaction: Writing, use_case_id: UUID) -> None:
    """Nothing of before is given again in this use case."""
    transaction.run(delete(cached_answer).where(cached_answer.c.use_case_id == use_case_id))


def forget(transaction: Writing, interaction_ids: Sequence[UUID]) -> None:
    """What was deleted from the log is not given again."""
    transaction.run(delete(cached_answer).where(cached_answer.c.interaction_id.in_(interaction_ids)))


async def tidy(database: Database[Any]) -> None:
    """Remove answers that are too old, and those beyond what their use cases keep; in small steps."""
    for place in await database.read(SYSTEM, _too_many):
        while await database.write(SYSTEM, _remove_some, *place) == AT_ONCE:
            pass


def _too_many(session: Reading) -> list[tuple[UUID, UUID]]:
    """The use cases that cache, each with the first answer that it keeps."""
    caching = select(use_case).where(use_case.c.cache_seconds.is_not(None))
    return [(row.id, _first_kept(session, row)) for row in session.rows(caching)]


def _first_kept(session: Reading, row: Any) -> UUID:
    oldest = first_id_at(milliseconds(session.now - timedelta(seconds=row.cache_seconds)))
    ids = select(cached_answer.c.interaction_id).where(cached_answer.c.use_case_id == row.id)
    latest = ids.order_by(cached_answer.c.interaction_id.desc())
    last = session.value(latest.offset((row.cache_answers or CACHED_ANSWERS) - 1).limit(1))
    return oldest if last is None else max(oldest, last)


def _remove_some(transaction: Writing, use_case_id: UUID, first_kept: UUID) -> int:
    mine = cached_answer.c.use_case_id == use_case_id, cached_answer.c.interaction_id < first_kept
    some = select(cached_answer.c.digest).where(*mine).limit(AT_ONCE)
    return transaction.run(delete(cached_answer).where(cached_answer.c.digest.in_(some)))
