"""Chat, embeddings and models in OpenAI's shape, over the same exchange."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import UNSET

from tropism.engines.protocol import Piece
from tropism.server.clock import time_of
from tropism.server.context import Context
from tropism.server.domains.chat import embeddings
from tropism.server.domains.chat.choice import Choice
from tropism.server.domains.chat.exchange import Exchange, begin
from tropism.server.domains.chat.routes import finished, include_usage, logprobs, streamed, usage
from tropism.server.errors import InvalidRequest
from tropism.server.references import as_id
from tropism.server.web.http import Events, handles, streams
from tropism.wire import chat
from tropism.wire import openai as wire
from tropism.wire.page import Nothing
from tropism.wire.parts import Content, TextPart, text_of


@streams(wire.CHAT)
async def create(context: Context, request: wire.ChatRequest) -> wire.ChatCompletion | Events:
    ours = _as_ours(request)
    exchange = await begin(context, ours, ours.messages)
    if ours.stream:
        return await streamed(exchange, wire.CHAT.path, _chunk, _usage_chunk, include_usage(ours))
    await finished(exchange)
    return wire.ChatCompletion(
        id=exchange.id,
        object="chat.completion",
        created=exchange.created,
        model=exchange.model,
        choices=[_choice(choice, exchange.shadow_id) for choice in exchange.choices],
        usage=usage(exchange.usage),
        session_id=exchange.session_id,
    )


@handles(wire.EMBED)
async def embed(context: Context, request: wire.EmbeddingRequest) -> wire.EmbeddingResponse:
    if request.dimensions is not None:
        raise InvalidRequest("`dimensions` is not supported; the model's own size is used", param="dimensions")
    made, model = await embeddings.embed(context, request.model, embeddings.texts(request.input), _user(request.user))
    as_base64 = request.encoding_format == "base64"
    data = [
        wire.Embedding(object="embedding", index=i, embedding=embeddings.encoded(vector, as_base64))
        for i, vector in enumerate(made.vectors)
    ]
    return wire.EmbeddingResponse(object="list", data=data, model=model, usage=embeddings.usage(made))


@handles(wire.LIST_MODELS)
async def list_models(context: Context, _: Nothing) -> wire.Models:
    served, principal = context.snapshot.use_cases.values(), context.principal
    seen = {used.id: used for used in served if principal.sees(used.team_id, used.id)}
    names = [(used.id, name) for used in seen.values() for name in _names(used.key, used.models)]
    data = [
        wire.Model(id=name, object="model", created=int(time_of(id).timestamp()), owned_by="tropism")
        for id, name in names
    ]
    return wire.Models(object="list", data=data)


def _names(key: str, models: Any) -> list[str]:
    return [key, *sorted({f"{key}/{model.key}" for model in models.values()})]


def _as_ours(request: wire.ChatRequest) -> chat.ChatRequest:
    _refuse_unsupported(request)
    return chat.ChatRequest(
        model=request.model,
        messages=[_message(message) for message in request.messages],
        stream=request.stream,
        stream_options=request.stream_options,
        stop=request.stop,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=request.seed,
        response_format=request.response_format,
        tools=request.tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
        n=request.n,
        user=_user(request.user),
        session_id=request.session_id,
        ab_campaign=request.ab_campaign,
        labels=request.metadata,
        store=request.store,
        system_prompt_args=request.system_prompt_args,
    )


_UNSUPPORTED = wire.Unsupported.__struct_fields__
_unsupported = attrgetter(*_UNSUPPORTED)


def _refuse_unsupported(request: wire.ChatRequest) -> None:
    for name, value in zip(_UNSUPPORTED, _unsupported(request), strict=True):
        if value:
            raise InvalidRequest(f"`{name}` is not supported yet; leave it out", param=name)


def _message(message: wire.Message) -> chat.ChatMessage:
    try:
        return chat.ChatMessage(
            role="system" if message.role == "developer" else message.role,
            content=_content(message),
            name=message.name,
            tool_calls=message.tool_calls or None,
            tool_call_id=message.tool_call_id,
        )
    except ValueError as error:
        raise InvalidRequest(str(error), param="messages") from None


def _content(message: wire.Message) -> Content | None:
    """Parts that are all text are one text: every engine takes that, and the log reads alike."""
    if message.content is None or isinstance(message.content, str):
        return message.refusal if message.content is None else message.content
    parts = [TextPart(text=part.refusal) if isinstance(part, wire.RefusalPart) else part for part in message.content]
    return text_of(parts) if all(isinstance(part, TextPart) for part in parts) else parts


def _user(name: str | None) -> UUID | None:
    """OpenAI's users are any text: the same text is the same user."""
    if not name:
        return None
    return as_id(name) or uuid5(NAMESPACE_URL, f"tropism:user:{name}")


def _choice(choice: Choice, shadow_id: UUID | None) -> wire.Choice:
    return wire.Choice(
        index=choice.index,
        message=_answer(choice),
        finish_reason=choice.finish_reason or "stop",
        completion_id=choice.completion_id,
        logprobs=logprobs(choice.logprobs),
        shadow_completion_id=shadow_id or UNSET,
        cached_from=choice.cached_from or UNSET,
    )


def _answer(choice: Choice) -> wire.AnswerMessage:
    calls = choice.calls.whole()
    content = None if calls and not choice.text else choice.text
    return wire.AnswerMessage(role="assistant", content=content, tool_calls=calls or UNSET)


def _chunk(exchange: Exchange, choice: Choice, piece: Piece, is_first: bool) -> wire.ChatChunk:
    part = wire.ChunkChoice(
        index=choice.index,
        delta=wire.Delta(
            role="assistant" if is_first else None,
            content=piece.text or None,
            tool_calls=list(piece.tool_calls) or None,
        ),
        completion_id=choice.completion_id,
        finish_reason=piece.finish_reason,
        logprobs=logprobs(piece.logprobs),
        shadow_completion_id=exchange.shadow_id or UNSET,
        cached_from=choice.cached_from or UNSET,
    )
    return _event(exchange, [part])


def _usage_chunk(exchange: Exchange) -> wire.ChatChunk:
    return _event(exchange, [], usage=usage(exchange.usage))


def _event(exchange: Exchange, choices: list[wire.ChunkChoice], **more: Any) -> wire.ChatChunk:
    return wire.ChatChunk(
        id=exchange.id,
        object="chat.completion.chunk",
        created=exchange.created,
        model=exchange.model,
        choices=choices,
        session_id=exchange.session_id,
        **more,
    )
