"""Routes of chat and plain completions: the same exchange, told in two shapes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from tropism.engines.protocol import Piece
from tropism.engines.protocol import Usage as Tokens
from tropism.server.context import Context
from tropism.server.domains.chat.choice import Choice
from tropism.server.domains.chat.exchange import Exchange, begin
from tropism.server.errors import TropismError
from tropism.server.web.http import Events, problem_body, streams
from tropism.wire import chat as wire
from tropism.wire.logprobs import Logprobs, TokenLogprob
from tropism.wire.sse import DONE, event

encode = msgspec.json.Encoder().encode
Chunk = Callable[[Exchange, Choice, Piece, bool], Any]
Last = Callable[[Exchange], Any]


@streams(wire.CREATE)
async def create(context: Context, request: wire.ChatRequest) -> wire.ChatCompletion | Events:
    exchange = await begin(context, request, request.messages)
    if request.stream:
        return await streamed(exchange, wire.CREATE.path, _chat_chunk, _usage_chunk, include_usage(request))
    await finished(exchange)
    return wire.ChatCompletion(
        id=exchange.id,
        created=exchange.created,
        model=exchange.model,
        choices=[_chat_choice(choice, exchange.shadow_id) for choice in exchange.choices],
        session_id=exchange.session_id,
        usage=usage(exchange.usage),
    )


@streams(wire.COMPLETE)
async def complete(context: Context, request: wire.CompletionRequest) -> wire.Completion | Events:
    exchange = await begin(context, request, [wire.ChatMessage(role="user", content=request.prompt)])
    if request.stream:
        return await streamed(exchange, wire.COMPLETE.path, _text_chunk, _usage_chunk, include_usage(request))
    await finished(exchange)
    return wire.Completion(
        id=exchange.id,
        created=exchange.created,
        model=exchange.model,
        choices=[_text_choice(choice) for choice in exchange.choices],
        session_id=exchange.session_id,
        usage=usage(exchange.usage),
    )


async def finished(exchange: Exchange) -> None:
    """Wait for the whole answer; a caller who goes away meanwhile stops it."""
    try:
        await exchange.finish()
    finally:
        exchange.give_up()


async def streamed(exchange: Exchange, path: str, chunk: Chunk, last: Last, with_usage: bool) -> Events:
    """The answer as events. Until the first piece is there, an error is an ordinary error response."""
    try:
        first = await exchange.next()
    except BaseException:
        exchange.give_up()
        raise
    return Events(_events(exchange, first, path, chunk, last if with_usage else None), exchange.give_up)


async def _events(
    exchange: Exchange, first: tuple[Choice, Piece] | None, path: str, chunk: Chunk, last: Last | None
) -> AsyncIterator[bytes]:
    opened: set[int] = set()
    found, held = first, None
    try:
        while found is not None:
            choice, piece = found
            if piece.finish_reason and exchange.expects_shadow:
                held = choice, piece, choice.index not in opened  # the last chunk names the shadow answer
            elif piece.text or piece.tool_calls or piece.logprobs or piece.finish_reason:
                yield event(encode(chunk(exchange, choice, piece, choice.index not in opened)))
                opened.add(choice.index)
            found = await exchange.next()
        await exchange.log()
        if held is not None:
            yield event(encode(chunk(exchange, *held)))
    except TropismError as error:
        yield event(problem_body(path, error))
        return
    if last is not None:
        yield event(encode(last(exchange)))
    yield event(DONE)


def include_usage(request: wire.Sampling) -> bool:
    return request.stream_options is not None and request.stream_options.include_usage


def usage(tokens: Tokens) -> wire.Usage:
    return wire.Usage.counted(
        tokens.prompt_tokens, tokens.completion_tokens, tokens.cached_tokens, tokens.reasoning_tokens
    )


def logprobs(tokens: Sequence[TokenLogprob]) -> Logprobs | None:
    return Logprobs(content=list(tokens)) if tokens else None


def _chat_choice(choice: Choice, shadow_id: UUID | None) -> wire.ChatChoice:
    return wire.ChatChoice(
        index=choice.index,
        message=wire.AnswerMessage(role="assistant", content=choice.text, tool_calls=choice.calls.whole()),
        finish_reason=choice.finish_reason or "stop",
        completion_id=choice.completion_id,
        model=choice.model.key,
        logprobs=logprobs(choice.logprobs),
        shadow_completion_id=shadow_id,
        cached_from=choice.cached_from,
    )


def _text_choice(choice: Choice) -> wire.CompletionChoice:
    return wire.CompletionChoice(
        index=choice.index,
        text=choice.text,
        finish_reason=choice.finish_reason or "stop",
        completion_id=choice.completion_id,
        model=choice.model.key,
        cached_from=choice.cached_from,
    )


def _chat_chunk(exchange: Exchange, choice: Choice, piece: Piece, is_first: bool) -> wire.ChatChunk:
    part = wire.ChunkChoice(
        index=choice.index,
        delta=wire.Delta(
            role="assistant" if is_first else None, content=piece.text, tool_calls=list(piece.tool_calls) or None
        ),
        completion_id=choice.completion_id,
        model=choice.model.key,
        finish_reason=piece.finish_reason,
        logprobs=logprobs(piece.logprobs),
        shadow_completion_id=exchange.shadow_id,
        cached_from=choice.cached_from,
    )
    return _chunk(exchange, [part])


def _text_chunk(exchange: Exchange, choice: Choice, piece: Piece, is_first: bool) -> wire.CompletionChunk:
    part = wire.CompletionChunkChoice(
        index=choice.index,
        text=piece.text,
        completion_id=choice.completion_id,
        model=choice.model.key,
        finish_reason=piece.finish_reason,
        cached_from=choice.cached_from,
    )
    return wire.CompletionChunk(
        id=exchange.id,
        created=exchange.created,
        model=exchange.model,
        choices=[part],
        session_id=exchange.session_id,
    )


def _usage_chunk(exchange: Exchange) -> wire.ChatChunk:
    return msgspec.structs.replace(_chunk(exchange, []), usage=usage(exchange.usage))


def _chunk(exchange: Exchange, choices: Sequence[wire.ChunkChoice]) -> wire.ChatChunk:
    return wire.ChatChunk(
        id=exchange.id,
        created=exchange.created,
        model=exchange.model,
        choices=list(choices),
        session_id=exchange.session_id,
    )
