"""Chat: the next turn of a conversation, whole or as it is generated."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar, overload

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, streaming
from tropism.sdk.inputs import Id, Labels, Messages, ResponseFormat, ToolChoice, Tools, unchecked
from tropism.sdk.send import ask
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import chat as wire

Whole = TypeVar("Whole", covariant=True)
Pieces = TypeVar("Pieces", covariant=True)


def route(use_case: str, model: Reference | None) -> str:
    """How a request names who shall answer."""
    return use_case if model is None else f"{use_case}/{model}"


def stream_options(include_usage: bool | None) -> wire.StreamOptions | None:
    return None if include_usage is None else wire.StreamOptions(include_usage=include_usage)


class _Chat(Resource, Generic[Whole, Pieces]):
    @overload
    def create(
        self,
        messages: Messages,
        stream: Literal[False] | None = None,
        model: Reference | None = None,
        stop: str | Sequence[str] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stream_include_usage: bool | None = None,
        session_id: Id | None = None,
        user: Id | None = None,
        ab_campaign: Reference | None = None,
        n: int | None = None,
        labels: Labels | None = None,
        *,
        seed: int | None = None,
        response_format: ResponseFormat | None = None,
        tools: Tools | None = None,
        tool_choice: ToolChoice | None = None,
        parallel_tool_calls: bool | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Whole: ...
    @overload
    def create(
        self,
        messages: Messages,
        stream: Literal[True],
        model: Reference | None = None,
        stop: str | Sequence[str] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stream_include_usage: bool | None = None,
        session_id: Id | None = None,
        user: Id | None = None,
        ab_campaign: Reference | None = None,
        n: int | None = None,
        labels: Labels | None = None,
        *,
        seed: int | None = None,
        response_format: ResponseFormat | None = None,
        tools: Tools | None = None,
        tool_choice: ToolChoice | None = None,
        parallel_tool_calls: bool | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Pieces: ...
    @overload
    def create(
        self,
        messages: Messages,
        stream: bool | None = None,
        model: Reference | None = None,
        stop: str | Sequence[str] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stream_include_usage: bool | None = None,
        session_id: Id | None = None,
        user: Id | None = None,
        ab_campaign: Reference | None = None,
        n: int | None = None,
        labels: Labels | None = None,
        *,
        seed: int | None = None,
        response_format: ResponseFormat | None = None,
        tools: Tools | None = None,
        tool_choice: ToolChoice | None = None,
        parallel_tool_calls: bool | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Whole | Pieces: ...
    @streaming
    def create(
        self,
        messages: Messages,
        stream: bool | None = None,
        model: Reference | None = None,
        stop: str | Sequence[str] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        stream_include_usage: bool | None = None,
        session_id: Id | None = None,
        user: Id | None = None,
        ab_campaign: Reference | None = None,
        n: int | None = None,
        labels: Labels | None = None,
        *,
        seed: int | None = None,
        response_format: ResponseFormat | None = None,
        tools: Tools | None = None,
        tool_choice: ToolChoice | None = None,
        parallel_tool_calls: bool | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Flow[Any]:
        """Get the next turn of a conversation; with `stream`, a stream of its pieces.

        Without `model`, the use case's default answers, or one of the models of its A/B test. Each choice has a
        `completion_id` that takes feedback at once. `ab_campaign` forces the request into that A/B test.

        With a `response_format` of type `json_schema` the answer is JSON that satisfies the schema; with `json_object`
        any JSON object. A local model can write nothing else until `max_tokens` cuts it short, a remote one is asked
        for it. A schema that the model cannot follow is refused.

        Of the `tools` the model may call some instead of answering in words: the choice's message then holds
        `tool_calls`. Run them, and send the message back with an answer of role `tool` to each. `metadata` is logged.

        With `store=False` nothing is logged: only what it cost is counted. `system_prompt_args` fill the gaps in the
        system prompt of a variant.
        """
        takes = wire.ChatRequest(
            messages=unchecked(messages),
            model=route(self._use_case(use_case), model),
            stream=stream,
            stream_options=stream_options(stream_include_usage),
            stop=unchecked(stop),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            response_format=unchecked(response_format),
            tools=unchecked(tools),
            tool_choice=unchecked(tool_choice),
            parallel_tool_calls=parallel_tool_calls,
            logprobs=logprobs,
            top_logprobs=top_logprobs,
            metadata=unchecked(metadata),
            store=store,
            system_prompt_args=unchecked(system_prompt_args),
            n=n,
            session_id=unchecked(session_id),
            user=unchecked(user),
            ab_campaign=unchecked(ab_campaign),
            labels=unchecked(labels),
        )
        return (yield from ask(self, wire.CREATE, takes, stream))


class Chat(_Chat[wire.ChatCompletion, Stream[wire.ChatChunk]], SyncResource):
    """Talk with the models of a use case."""


class AsyncChat(
    _Chat[Coroutine[Any, Any, wire.ChatCompletion], Coroutine[Any, Any, AsyncStream[wire.ChatChunk]]], AsyncResource
):
    """Talk with the models of a use case."""
