"""Logging the calls of models that an export of traces tells of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import select

from tropism.server.database.session import Writing
from tropism.server.domains.interactions import service as interactions
from tropism.server.domains.models import service as models
from tropism.server.domains.otlp import spans
from tropism.server.domains.otlp.reading import readable
from tropism.server.domains.otlp.spans import ModelCall, NotReadable
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import TropismError
from tropism.server.tables.interactions import interaction
from tropism.wire import otlp as wire
from tropism.wire.chat import ChatMessage
from tropism.wire.interactions import InteractionCreate

MOST_REASONS = 5


def calls_in(export: wire.OtlpExport) -> Iterator[ModelCall | NotReadable]:
    """The calls of models, and those that cannot be read. Other spans are not ours to judge."""
    for resource in export.resource_spans:
        said = readable(resource.resource.attributes)
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            try:
                call = spans.call_of(span, said)
            except (NotReadable, ValueError, TypeError) as error:
                yield error if isinstance(error, NotReadable) else NotReadable(f"span {span.name!r}: {error}")
            else:
                if call is not None:
                    yield call


def log(transaction: Writing, found: list[ModelCall | NotReadable], target: wire.OtlpTarget) -> wire.OtlpExported:
    """Log each call that can be logged; the answer counts the others and says why."""
    refused: list[str] = []
    for call in found:
        if isinstance(call, NotReadable):
            refused.append(str(call))
            continue
        try:
            _log(transaction, call, target)
        except TropismError as error:
            refused.append(str(error))
        except NotReadable as error:
            refused.append(str(error))
    if not refused:
        return wire.OtlpExported()
    reasons = list(dict.fromkeys(refused))
    more = f"; and {len(reasons) - MOST_REASONS} more reasons" if len(reasons) > MOST_REASONS else ""
    message = "; ".join(reasons[:MOST_REASONS]) + more
    return wire.OtlpExported(
        partial_success=wire.PartialSuccess(rejected_spans=str(len(refused)), error_message=message)
    )


def _log(transaction: Writing, call: ModelCall, target: wire.OtlpTarget) -> None:
    reference = call.use_case or target.use_case
    if reference is None:
        raise NotReadable(
            "no use case: set the attribute tropism.use_case on the resource, or add ?use_case= to the URL"
        )
    if not spans.is_past(call, transaction.now):
        raise NotReadable("a span ends in the future")
    used = use_cases.find(transaction, str(reference))
    id = spans.id_in(used.id, call)
    if transaction.row(select(interaction.c.id).where(interaction.c.id == id)) is not None:
        return  # an export that was repeated
    model = call.model if call.model is not None and models.is_taken(transaction, call.model) else None
    create = InteractionCreate(
        use_case=used.key,
        completion=call.completion,
        model=model,
        messages=_messages(call),
        user=call.user,
        session_id=call.session_id,
        labels=call.labels or None,
    )
    interactions.recorded(transaction, create, used, id=id, figures=call.figures)


def _messages(call: ModelCall) -> list[ChatMessage]:
    try:
        return msgspec.convert(call.messages, list[ChatMessage])
    except msgspec.ValidationError as error:
        raise NotReadable(f"its messages are none of a chat: {error}") from None
