"""Completions of a plain prompt: a chat with one user message."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Generic, Literal, overload

from tropism.sdk.chat import Pieces, Whole, route, stream_options
from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, streaming
from tropism.sdk.inputs import Id, Labels, ResponseFormat, unchecked
from tropism.sdk.send import ask
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import chat as wire


class _Completions(Resource, Generic[Whole, Pieces]):
    @overload
    def create(
        self,
        prompt: str,
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
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Whole: ...
    @overload
    def create(
        self,
        prompt: str,
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
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Pieces: ...
    @overload
    def create(
        self,
        prompt: str,
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
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Whole | Pieces: ...
    @streaming
    def create(
        self,
        prompt: str,
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
        store: bool | None = None,
        system_prompt_args: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Flow[Any]:
        """Get the answer to a plain prompt; with `stream`, a stream of its pieces.

        Without `model`, the use case's default answers, or one of the models of its A/B test. Each choice has a
        `completion_id` that takes feedback at once. `ab_campaign` forces the request into that A/B test.

        With a `response_format` of type `json_schema` the answer is JSON that satisfies the schema; with `json_object`
        any JSON object. A local model can write nothing else until `max_tokens` cuts it short, a remote one is asked
        for it. A schema that the model cannot follow is refused. `system_prompt_args` fill the gaps in the system
        prompt of a variant.
        """
        takes = wire.CompletionRequest(
            prompt=prompt,
            model=route(self._use_case(use_case), model),
            stream=stream,
            stream_options=stream_options(stream_include_usage),
            stop=unchecked(stop),
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            response_format=unchecked(response_format),
            store=store,
            system_prompt_args=unchecked(system_prompt_args),
            n=n,
            session_id=unchecked(session_id),
            user=unchecked(user),
            ab_campaign=unchecked(ab_campaign),
            labels=unchecked(labels),
        )
        return (yield from ask(self, wire.COMPLETE, takes, stream))


class Completions(_Completions[wire.Completion, Stream[wire.CompletionChunk]], SyncResource):
    """Let the models of a use case answer a plain prompt."""


class AsyncCompletions(
    _Completions[Coroutine[Any, Any, wire.Completion], Coroutine[Any, Any, AsyncStream[wire.CompletionChunk]]],
    AsyncResource,
):
    """Let the models of a use case answer a plain prompt."""
