"""Embeddings: texts to vectors, logged like any other interaction."""

from __future__ import annotations

import asyncio
import base64
import struct
import time
from collections.abc import Sequence
from uuid import UUID

from tropism.engines.protocol import Embeddings, EngineError
from tropism.server.context import Context, Services
from tropism.server.domains.chat import amounts
from tropism.server.domains.chat.exchange import Logged, insert
from tropism.server.domains.chat.patience import Patience
from tropism.server.domains.chat.routing import Ask, route
from tropism.server.domains.interactions import records
from tropism.server.domains.limits.admission import admit, tokens_in
from tropism.server.errors import EngineFailed
from tropism.server.observability.observing import Asked, Told
from tropism.server.snapshot import ServedModel
from tropism.server.web.http import handles
from tropism.wire import embeddings as wire
from tropism.wire.chat import ChatMessage


@handles(wire.CREATE)
async def create(context: Context, request: wire.EmbeddingRequest) -> wire.EmbeddingResponse:
    made, model = await embed(context, request.model, texts(request.input), request.user)
    as_base64 = request.encoding_format == "Base64"
    return wire.EmbeddingResponse(
        model=model,
        data=[wire.Embedding(index=i, embedding=encoded(v, as_base64)) for i, v in enumerate(made.vectors)],
        usage=usage(made),
    )


def usage(made: Embeddings) -> wire.EmbeddingUsage:
    """Tokens read; none are reported where the provider does not say."""
    tokens = made.prompt_tokens or 0
    return wire.EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)


def texts(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


async def embed(context: Context, name: str, given: Sequence[str], user: UUID | None) -> tuple[Embeddings, str]:
    """The vectors and the key of the model that made them; the interaction is on disk when this returns."""
    id, started = context.services.clock.new_id(), time.perf_counter()
    found = route(context.snapshot, context.principal, Ask(name=name, kind="Embedding", unit=user or id))
    model = found.models[0]
    about = sum(map(tokens_in, given))
    held = await admit(context, found.use_case.id, amounts.of_texts(model, about, at_least=1))
    seen = context.seen.generating(
        Asked(operation="embeddings", use_case=found.use_case.key, model=model.key, provider=model.provider)
    )
    try:
        made = await _made(context.services, model, found.use_case.id, given)
    except BaseException as error:
        if held is not None:
            held.give_back()
        seen.ended(Told(error=error.type if isinstance(error, EngineError) else "cancelled"))
        if isinstance(error, EngineError):
            raise EngineFailed(model.key, error) from error
        raise
    seen.ended(Told(prompt_tokens=made.prompt_tokens, cost_usd=model.cost(made.prompt_tokens, 0)))
    record = records.Record(
        id=id,
        use_case_id=found.use_case.id,
        model_id=model.id,
        session_id=id,
        user_id=user,
        source="LIVE",
        messages=[ChatMessage(role="user", content=text) for text in given],
        completion="",
        prompt_tokens=made.prompt_tokens,
        completion_tokens=0,
        cost_usd=model.cost(made.prompt_tokens, 0),
        api_key_id=context.principal.key_id,
        latency_ms=(time.perf_counter() - started) * 1000,
    )
    read = about if made.prompt_tokens is None else made.prompt_tokens
    spends = held.use(amounts.of_texts(model, read)) if held is not None else ()
    stored = Logged(records.redacted(record, found.use_case.redact), spends)
    await context.services.database.append(insert, stored)
    return made, model.key


async def _made(services: Services, model: ServedModel, use_case_id: UUID, given: Sequence[str]) -> Embeddings:
    """As patiently as the attachment says."""
    patience = Patience(model.reliability)
    while True:
        try:
            async with (
                services.fleet.engine(model) as engine,
                services.doors.through(model, use_case_id, patience.left),
            ):
                return await patience.whole(engine.embed(given))
        except EngineError as error:
            if (pause := patience.pause(error)) is None:
                raise
        await asyncio.sleep(pause)


def encoded(vector: Sequence[float], as_base64: bool) -> list[float] | str:
    """As numbers, or as base64 of little-endian 32-bit floats."""
    if not as_base64:
        return list(vector)
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
